"""Small folders as transformers writes them, and the plugin's components called on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertForSequenceClassification, BertModel

from lepton_rules.plugin import ExportContext, ImportContext, ModelDirectory, ModelFacts, parse_config
from lepton_rules.plugin.manager import load

VOCABULARY, HIDDEN, CLASSES = 40, 16, 3


def encoder(classes: int = 0) -> torch.nn.Module:
    """A BERT of one layer with random weights; with `classes`, one that classifies."""
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=HIDDEN,
        num_hidden_layers=1,
        num_attention_heads=4,
        intermediate_size=32,
        max_position_embeddings=64,
        num_labels=classes or 2,
        attn_implementation="eager",
        initializer_range=0.5,
    )
    return (BertForSequenceClassification(config) if classes else BertModel(config)).eval()


def write_folder(directory: Path, classes: int = 0, shards: int = 1, **config: Any) -> Path:
    """The folder of such a model: config.json, safetensors (in shards with their index), a README and a vocabulary."""
    directory.mkdir(parents=True)
    model = encoder(classes)
    described = {**model.config.to_dict(), "architectures": [type(model).__name__], **config}
    (directory / "config.json").write_text(json.dumps(described))
    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    if shards == 1:
        save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})
    else:
        owners = {
            name: f"model-{i % shards + 1:05}-of-{shards:05}.safetensors" for i, name in enumerate(sorted(tensors))
        }
        for shard in set(owners.values()):
            save_file({name: tensors[name] for name in tensors if owners[name] == shard}, directory / shard)
        index = {"metadata": {"total_size": 1}, "weight_map": owners}
        (directory / "model.safetensors.index.json").write_text(json.dumps(index))
    (directory / "vocab.txt").write_text("\n".join(f"word{i}" for i in range(VOCABULARY)))
    (directory / "README.md").write_text("# A model")
    return directory


def files(directory: Path) -> tuple[Path, ...]:
    """The files of a folder."""
    return tuple(sorted(directory.iterdir()))


def importing(sources: tuple[Path, ...], output: Path, **config: Any) -> ModelFacts:
    """Imports into `output`, which is made."""
    plugin = load("huggingface", "lepton_plugin_huggingface")
    descriptor: Any = plugin.find("importers", "huggingface")
    output.mkdir(parents=True)
    facts = plugin.resolve(descriptor)(
        ImportContext(
            label="//tests:model",
            config=parse_config(descriptor.config, config),
            sources=sources,
            weights=(),
            allow_code=False,
            output=output,
        )
    )
    assert isinstance(facts, ModelFacts)
    return facts


def exporting(model: Path, facts: ModelFacts, output: Path, **config: Any) -> ModelFacts:
    """Exports into `output`, which is made."""
    plugin = load("huggingface", "lepton_plugin_huggingface")
    descriptor: Any = plugin.find("exporters", "huggingface_to_onnx")
    output.mkdir(parents=True)
    manifest = {
        "inputs": [spec.to_json() for spec in facts.inputs],
        "outputs": [spec.to_json() for spec in facts.outputs],
        "parameters": facts.parameters,
        "macs": facts.macs,
    }
    result = plugin.resolve(descriptor)(
        ExportContext(
            label="//tests:artifact",
            config=parse_config(descriptor.config, config),
            model=ModelDirectory(model, manifest),
            hardware=None,
            output=output,
        )
    )
    assert isinstance(result, ModelFacts)
    return result
