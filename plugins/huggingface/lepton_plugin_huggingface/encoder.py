"""The module that a folder describes: transformers' own classes, filled with its weights, and one output.

Pooling is that of N. Reimers and I. Gurevych, "Sentence-BERT", EMNLP 2019, https://arxiv.org/abs/1908.10084, section 3:
the mean over the tokens of a text, or the vector of its first token.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Whatever the folder says, nothing is looked up elsewhere. Before transformers is imported.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")

import torch
from safetensors.torch import load_file

from lepton_plugin_huggingface.folder import CONFIG_FILE, INTERFACE_FILE, WEIGHTS_FILE
from lepton_rules.manifest import parse_json
from lepton_rules.plugin import LeptonError, TensorSpec
from lepton_rules.plugin.names import near_miss

_LEAST = 1e-9  # of a divisor: a text without tokens gives 0, not NaN
# Of the lengths that a text may have where the configuration names no greatest one.
_ANY_LENGTH = 512


@dataclass(frozen=True, kw_only=True)
class Interface:
    """What goes in and what comes out, as `interface.json` says it; the fields are those of `ImportConfig`."""

    head: str
    pooling: str
    normalize: bool
    token_types: bool

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """int64 [batch, sequence] each."""
        names = ["input_ids", "attention_mask"] + ["token_type_ids"] * self.token_types
        return tuple(TensorSpec(name, "int64", ("batch", "sequence")) for name in names)

    @property
    def output(self) -> str:
        """The output's name."""
        if self.head != "none":
            return "logits"
        return "last_hidden_state" if self.pooling == "none" else "sentence_embedding"


class Encoder(torch.nn.Module):
    """A transformers model with positional inputs and one output.

    `forward` takes int64 [batch, sequence] tensors in the order of `Interface.inputs`, and gives float32
    [batch, classes], [batch, sequence, hidden] or [batch, hidden].
    """

    def __init__(self, model: torch.nn.Module, interface: Interface) -> None:
        super().__init__()
        self.model = model
        self.interface = interface
        self._has_types = "token_type_ids" in inspect.signature(model.forward).parameters

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor | None = None
    ) -> torch.Tensor:
        if token_type_ids is None and self._has_types:
            token_type_ids = torch.zeros_like(input_ids)
        given = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        result = self.model(input_ids=input_ids, attention_mask=attention_mask, **given)
        if self.interface.head != "none":
            logits: torch.Tensor = result.logits
            return logits
        hidden: torch.Tensor = result.last_hidden_state
        if self.interface.pooling == "none":
            return hidden
        if self.interface.pooling == "cls":
            vector = hidden[:, 0]
        else:
            kept = attention_mask.unsqueeze(-1).to(hidden.dtype)
            vector = (hidden * kept).sum(dim=1) / kept.sum(dim=1).clamp(min=_LEAST)
        if self.interface.normalize:
            vector = vector / (vector * vector).sum(dim=1, keepdim=True).sqrt().clamp(min=_LEAST)
        return vector


@contextmanager
def built(directory: Path) -> Iterator[Encoder]:
    """The encoder of a canonical folder, in float32, ready for inference.

    Raises:
        LeptonError: transformers has no such model, or not the weights that it needs are there.
    """
    interface = Interface(**parse_json((directory / INTERFACE_FILE).read_text("utf-8")))
    config = parse_json((directory / CONFIG_FILE).read_text("utf-8"))
    torch.manual_seed(0)
    model = _filled(_class(config, interface), _configuration(config), load_file(directory / WEIGHTS_FILE))
    yield Encoder(model.float(), interface).eval()


def _configuration(config: Mapping[str, Any]) -> Any:
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    kind = config["model_type"]
    if kind not in CONFIG_MAPPING:
        near = near_miss(kind, CONFIG_MAPPING)
        fix = f"Did you mean {near!r}?" if near else "Give a model that transformers itself has"
        raise LeptonError(CONFIG_FILE, f"transformers has no model_type {kind[:80]!r}", fix)
    if config.get("is_encoder_decoder") or config.get("is_decoder"):
        raise LeptonError(CONFIG_FILE, "it describes a decoder", "Give an encoder, such as bert or roberta")
    try:
        # Its own copy: transformers changes what it is given.
        return CONFIG_MAPPING[kind].from_dict(dict(config), attn_implementation="eager")
    except Exception as error:  # transformers' checks raise whatever they like
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise LeptonError(CONFIG_FILE, f"transformers refuses it ({first})", "Give the model's own file") from error


def _class(config: Mapping[str, Any], interface: Interface) -> Any:
    """The auto class for the interface's head."""
    import transformers

    if interface.head == "none":
        return transformers.AutoModel
    named = [name for name in config.get("architectures") or () if str(name).endswith("ForSequenceClassification")]
    if not named:
        raise LeptonError(
            CONFIG_FILE,
            f"its architectures are {config.get('architectures')}, and head asks for a sequence classifier",
            "Leave head out, or give a folder that holds one",
        )
    return transformers.AutoModelForSequenceClassification


def _filled(auto: Any, config: Any, tensors: Mapping[str, torch.Tensor]) -> torch.nn.Module:
    import transformers

    for name, tensor in sorted(tensors.items()):
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise LeptonError("weights", f"tensor {name!r} has NaN or infinite values", "Give weights that are whole")
    kind = auto._model_mapping.get(type(config), None)
    if kind is None:
        raise LeptonError(
            CONFIG_FILE, f"transformers has no {auto.__name__} of {config.model_type}", "Use another head"
        )
    kind = kind[0] if isinstance(kind, tuple) else kind
    # What it says of tensors is said below, in one line, or stands in the manifest.
    messages: Any = transformers.utils.logging
    messages.set_verbosity_error()
    messages.disable_progress_bar()
    # Nothing reads what a pooler makes of the first token.
    options = {"add_pooling_layer": False} if "add_pooling_layer" in inspect.signature(kind).parameters else {}
    try:
        model, loaded = kind.from_pretrained(
            None, config=config, state_dict=dict(tensors), output_loading_info=True, **options
        )
    except Exception as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise LeptonError("weights", f"{kind.__name__} does not take them ({first})", "Give the model's own") from error
    for key, why in (("missing_keys", "lack"), ("mismatched_keys", "have in another shape")):
        wrong = sorted(str(name[0] if isinstance(name, tuple) else name) for name in loaded[key])
        if wrong:
            raise LeptonError(
                "weights", f"they {why} {', '.join(wrong[:5])}, which {kind.__name__} needs", "Give the model's own"
            )
    filled: torch.nn.Module = model
    return filled


def samples(encoder: Encoder, texts: int, tokens: int, seed: int) -> tuple[torch.Tensor, ...]:
    """Random token ids, a mask that keeps at least the first token of each text, and where asked types, seeded."""
    generator = torch.Generator().manual_seed(seed)
    config: Any = encoder.model.config
    tokens = min(tokens, getattr(config, "max_position_embeddings", _ANY_LENGTH) // 2)
    ids = torch.randint(0, config.vocab_size, (texts, tokens), generator=generator)
    lengths = torch.randint(1, tokens + 1, (texts, 1), generator=generator)
    mask = (torch.arange(tokens)[None] < lengths).to(torch.int64)
    types = torch.randint(0, max(1, getattr(config, "type_vocab_size", 1)), ids.shape, generator=generator)
    return (ids, mask, types)[: len(encoder.interface.inputs)]


def run(encoder: Encoder, inputs: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """The output.

    Raises:
        LeptonError: the module fails on them.
    """
    try:
        with torch.no_grad():
            found: torch.Tensor = encoder(*inputs)
    except Exception as error:  # a model may have any demands
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise LeptonError(
            CONFIG_FILE, f"the model fails on token ids and a mask ({first})", "Give a model that encodes texts"
        ) from error
    return found
