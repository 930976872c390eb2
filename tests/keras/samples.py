"""What the contract kit tries the plugin on."""

from __future__ import annotations

from pathlib import Path

import onnx
from networks import convnet, importing, saved

from lepton_rules.plugin import TensorSpec
from lepton_rules.plugin.contract import SampleImport, SampleModel, Samples


def write(directory: Path) -> Samples:
    """A small convolutional network, saved by Keras 3."""
    sources = saved(convnet(), directory, "keras")
    facts = importing(sources, directory / "model")
    return Samples(
        models={"keras": SampleModel(path=directory / "model", facts=facts)},
        imports={"keras": SampleImport(sources=sources)},
        refused={
            "importers.keras": [{"inputs": ("a", "b")}, {"outputs": ("image",)}],
            "exporters.keras_to_onnx": [{"opset": 19}],
        },
        signature="samples:signature",
    )


def signature(format: str, path: Path) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """What the files themselves say: the graph's own inputs and outputs, or the network's."""
    if format == "keras":
        return (TensorSpec("image", "float32", ("batch", 8, 8, 1)),), (TensorSpec("logits", "float32", ("batch", 3)),)
    graph = onnx.load(path / "model.onnx").graph

    def specs(values: list[onnx.ValueInfoProto]) -> tuple[TensorSpec, ...]:
        return tuple(
            TensorSpec(
                value.name,
                onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type).name,
                tuple(d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim),
            )
            for value in values
        )

    return specs(list(graph.input)), specs(list(graph.output))
