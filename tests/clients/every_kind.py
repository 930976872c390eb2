"""Models that give what they take, in every type that can travel, under names that are no names in any language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lepton_rules import manifest as manifests
from lepton_rules.plugin import ModelFacts, TensorSpec

# Input, type, shape, and the output that is the same.
Echo = tuple[str, str, tuple[int | str, ...], str]

PLAIN: tuple[Echo, ...] = (
    ("class", "float32", ("batch", 2), "CLASS"),
    ("input.1", "int64", ("batch", "sequence"), "output.1"),
    ("input_1", "bool", ("batch",), "output_1"),
    ("words:0", "str", ("batch",), "a \\ quoted name"),
    ("bytes", "uint8", ("batch", 4), "é/bytes"),
    ("signed", "int8", (2,), "tuple"),
    ("short", "int16", (2,), "2nd"),
    ("int", "int32", (2,), "_"),
    ("ushort", "uint16", (2,), "u"),
    ("uint", "uint32", (2,), "U"),
    ("huge", "uint64", (1,), "self"),
    ("sum", "float64", ("batch", "batch"), "Request"),
)

# What JSON cannot carry.
HALVES: tuple[Echo, ...] = (("half", "float16", ("n",), "half out"),)
# What onnxruntime has no arrays for, and other servers may have.
OTHERS: tuple[Echo, ...] = (("brain", "bfloat16", (2, "sequence"), "brain"),)


def _inputs(echoes: Sequence[Echo]) -> tuple[TensorSpec, ...]:
    return tuple(TensorSpec(name, dtype, shape) for name, dtype, shape, _ in echoes)


def _outputs(echoes: Sequence[Echo]) -> tuple[TensorSpec, ...]:
    return tuple(TensorSpec(name, dtype, shape) for _, dtype, shape, name in echoes)


def sketch() -> Mapping[str, Any]:
    """What a client is generated from: the part of a manifest that it reads, with every type."""
    echoes = PLAIN + HALVES + OTHERS
    return {
        "digest": "sha256:" + "0123456789abcdef" * 4,
        "inputs": [tensor.to_json() for tensor in _inputs(echoes)],
        "outputs": [tensor.to_json() for tensor in _outputs(echoes)],
    }


def write(folder: Path, echoes: Sequence[Echo]) -> Mapping[str, Any]:
    """Writes a model and its manifest as the server takes them; returns the manifest."""
    import onnx
    from onnx import TensorProto, helper

    kinds = {"bool": TensorProto.BOOL, "str": TensorProto.STRING, "float32": TensorProto.FLOAT}
    kinds |= {"float16": TensorProto.FLOAT16, "float64": TensorProto.DOUBLE}

    def info(tensor: TensorSpec) -> Any:
        kind = kinds.get(tensor.dtype) or getattr(TensorProto, tensor.dtype.upper())
        return helper.make_tensor_value_info(tensor.name, kind, tensor.shape)

    inputs, outputs = _inputs(echoes), _outputs(echoes)
    nodes = [helper.make_node("Identity", [name], [output]) for name, _, _, output in echoes]
    graph = helper.make_graph(nodes, "every_kind", [*map(info, inputs)], [*map(info, outputs)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    folder.mkdir()
    onnx.save(model, folder / "model.onnx")
    step = {
        "pass": "onnx.onnx",
        "config": {},
        "config_version": 1,
        "plugin": {"name": "onnx", "version": "0.1.0"},
        "libraries": {"onnx": onnx.__version__},
    }
    facts = ModelFacts(inputs=inputs, outputs=outputs, parameters=0, macs=0)
    manifest = manifests.build(format="onnx", facts=facts, directory=folder, step=step)
    manifests.write(manifest, folder / "manifest.json")
    return manifest
