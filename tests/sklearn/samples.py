"""What the contract kit tries the plugin on."""

from __future__ import annotations

from pathlib import Path

import onnx
from estimators import FEATURES, fitted, importing, saved

from lepton_rules.plugin import TensorSpec
from lepton_rules.plugin.contract import SampleImport, SampleModel, Samples


def write(directory: Path) -> Samples:
    """A small pipeline."""
    source = saved(fitted("logistic"), directory / "model.bin")
    facts = importing(source, directory / "model")
    return Samples(
        models={"sklearn": SampleModel(path=directory / "model", facts=facts)},
        imports={"sklearn": SampleImport(sources=(source,))},
        refused={
            "importers.sklearn": [{"output": "x"}, {"trusted": ("os.system",)}],
            "exporters.sklearn_to_onnx": [{"opset": 14}],
        },
        signature="samples:signature",
    )


def signature(format: str, path: Path) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """What the files themselves say: the graph's own inputs and outputs; a skops file says little."""
    if format == "sklearn":
        return (TensorSpec("x", "float32", ("batch", FEATURES)),), (TensorSpec("scores", "float32", ("batch", 3)),)
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
