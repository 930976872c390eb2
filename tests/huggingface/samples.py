"""What the contract kit tries the plugin on."""

from __future__ import annotations

from pathlib import Path

import onnx
from folders import HIDDEN, files, importing, write_folder

from lepton_rules.plugin import TensorSpec
from lepton_rules.plugin.contract import SampleImport, SampleModel, Samples

_OPTIONS = {"pooling": "mean", "normalize": True}


def write(directory: Path) -> Samples:
    """A small BERT in two shards, and its embeddings."""
    folder = write_folder(directory / "folder", shards=2)
    facts = importing(files(folder), directory / "model", **_OPTIONS)
    return Samples(
        models={"huggingface": SampleModel(path=directory / "model", facts=facts)},
        imports={"huggingface": SampleImport(sources=files(folder), config=_OPTIONS)},
        refused={
            "importers.huggingface": [{"pooling": "max"}, {"pooling": "none", "normalize": True}],
            "exporters.huggingface_to_onnx": [{"opset": 17}],
        },
        signature="samples:signature",
    )


def signature(format: str, path: Path) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """What the files themselves say."""
    if format == "huggingface":
        from lepton_plugin_huggingface.encoder import Interface

        from lepton_rules.manifest import parse_json

        interface = Interface(**parse_json((path / "interface.json").read_text("utf-8")))
        shape = ("batch", "sequence", HIDDEN) if interface.output == "last_hidden_state" else ("batch", HIDDEN)
        return interface.inputs, (TensorSpec(interface.output, "float32", shape),)
    graph = onnx.load(path / "model.onnx").graph
    inputs, outputs = (
        tuple(
            TensorSpec(
                value.name,
                onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type).name,
                tuple(d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim),
            )
            for value in values
        )
        for values in (graph.input, graph.output)
    )
    return inputs, outputs
