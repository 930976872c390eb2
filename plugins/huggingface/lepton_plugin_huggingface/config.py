"""What a BUILD file says to the importer and to the exporter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from lepton_rules.plugin import option


@dataclass(frozen=True, kw_only=True)
class ImportConfig:
    """A text encoder as Hugging Face transformers keeps it: config.json, safetensors files, the tokenizer's files."""

    VERSION: ClassVar[int] = 1
    head: Literal["none", "sequence_classification"] = option(
        "none",
        doc="What the model ends in: its hidden states, or the classifier that its weights hold, whose output is"
        " `logits`.",
    )
    pooling: Literal["none", "cls", "mean"] = option(
        "none",
        doc="How the hidden states of a text's tokens become one vector, the output `sentence_embedding`: that of the"
        " first token, or the mean over those that attention_mask keeps. Without it the output is `last_hidden_state`.",
    )
    normalize: bool = option(False, doc="Whether a pooled vector is divided by its length.")
    token_types: bool = option(False, doc="Whether token_type_ids is an input; without it, all are 0.")

    def __post_init__(self) -> None:
        if self.normalize and self.pooling == "none":
            raise ValueError("normalize is for a pooled vector, and pooling is none")
        if self.head != "none" and self.pooling != "none":
            raise ValueError("pooling is for hidden states, and head gives logits")


@dataclass(frozen=True, kw_only=True)
class ExportConfig:
    """The same encoder as ONNX: one graph, canonical, for any number of texts of any length."""

    VERSION: ClassVar[int] = 1
    opset: int = option(20, doc="Version of the ONNX operator set.", minimum=18, maximum=23)
    tolerance: float = option(
        1e-4,
        doc="How far an output may be from torch's, relative to the greatest magnitude in it (at least 1); beyond it"
        " the export fails.",
        minimum=0,
        maximum=1,
    )
