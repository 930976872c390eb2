"""What the contract kit tries the plugin on."""

from __future__ import annotations

from pathlib import Path

import onnx
from lepton_plugin_torch.program import Program
from networks import FACTORY, INPUTS, convnet, importing

from lepton_rules.plugin import TensorSpec
from lepton_rules.plugin.contract import SampleImport, SampleModel, Samples


def write(directory: Path) -> Samples:
    """A small convolutional network."""
    files = convnet(directory)
    facts = importing(files, directory / "model", outputs=("logits",))
    config = {"factory": FACTORY, "inputs": INPUTS, "outputs": ("logits",)}
    return Samples(
        models={"pytorch": SampleModel(path=directory / "model", facts=facts)},
        imports={"pytorch": SampleImport(sources=files.sources, weights=(files.weights,), config=config)},
        refused={
            "importers.pytorch": [
                {**config, "factory": "net:Nett"},
                {**config, "kwargs": "[]"},
                {**config, "inputs": ("x:float32:batch,2,8,8",)},
            ],
            "exporters.pytorch_to_onnx": [{"opset": 17}],
        },
        signature="samples:signature",
    )


def signature(format: str, path: Path) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """What the files themselves say: the graph's own inputs and outputs, or the program's."""
    if format == "pytorch":
        return Program.read(path).inputs, (TensorSpec("logits", "float32", ("batch", 3)),)
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
