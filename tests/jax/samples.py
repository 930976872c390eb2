"""What the contract kit tries the plugin on."""

from __future__ import annotations

from pathlib import Path

import onnx
from networks import INPUTS, convnet, importing

from lepton_rules.plugin import TensorSpec
from lepton_rules.plugin.contract import SampleImport, SampleModel, Samples


def write(directory: Path) -> Samples:
    """A small convolutional network."""
    sources, weights = convnet(directory)
    facts = importing(sources, [weights], directory / "model", outputs=("logits",))
    config = {"factory": "net:make", "inputs": INPUTS, "outputs": ("logits",)}
    return Samples(
        models={"jax": SampleModel(path=directory / "model", facts=facts)},
        imports={"jax": SampleImport(sources=sources, weights=(weights,), config=config)},
        refused={
            "importers.jax": [{**config, "factory": "net:mak"}, {**config, "kwargs": "[]"}],
            "exporters.jax_to_onnx": [{"opset": 17}],
        },
        signature="samples:signature",
    )


def signature(format: str, path: Path) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """What the files themselves say: the graph's own inputs and outputs, or the network's."""
    if format == "jax":
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
