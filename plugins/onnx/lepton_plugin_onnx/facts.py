"""What an ONNX model is, in the words of a manifest: signature, parameters, cost, operators."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lepton_plugin_onnx.graphs import nodes_of
from lepton_plugin_onnx.macs import count_macs
from lepton_plugin_onnx.shapes import dims_of, infer
from lepton_plugin_onnx.tensors import element_count
from lepton_rules.plugin import LeptonError, ModelFacts, TensorSpec

if TYPE_CHECKING:
    import onnx

# Where an operator takes numbers about numbers: scales and zero points, by input position.
_ABOUT: dict[str, frozenset[int]] = {
    "QuantizeLinear": frozenset({1, 2}),
    "DequantizeLinear": frozenset({1, 2}),
    "QLinearConv": frozenset({1, 2, 4, 5, 6, 7}),
    "QLinearMatMul": frozenset({1, 2, 4, 5, 6, 7}),
    "QGemm": frozenset({1, 2, 4, 5, 7, 8}),
    "ConvInteger": frozenset({2, 3}),
    "MatMulInteger": frozenset({2, 3}),
    "DynamicQuantizeMatMul": frozenset({2, 3}),
    "MatMulIntegerToFloat": frozenset({2, 3, 4, 5}),
    "GatherBlockQuantized": frozenset({1, 2, 3}),
    "MatMulNBits": frozenset({2, 3, 4}),
    "QAttention": frozenset({3, 4, 5, 6, 7}),
    "QEmbedLayerNormalization": frozenset({*range(7, 18)}),
}
_INTEGER_WEIGHTS = frozenset({*_ABOUT} - {"QuantizeLinear"})


def facts_of(model: onnx.ModelProto, notes: Mapping[str, Any] | None = None) -> ModelFacts:
    """The facts of a model. LeptonError where an input or output is no tensor, or one of unknown rank."""
    types = infer(model)
    return ModelFacts(
        inputs=tuple(_spec(value, types) for value in model.graph.input),
        outputs=tuple(_spec(value, types) for value in model.graph.output),
        parameters=count_parameters(model),
        macs=count_macs(model),
        notes={"operators": operators_of(model), **(notes or {})},
    )


def operators_of(model: onnx.ModelProto) -> dict[str, int]:
    """How often each operator stands in the model, subgraphs included; those of other domains with their domain."""
    names = Counter(f"{node.domain}.{node.op_type}".lstrip(".") for node in nodes_of(model.graph))
    return dict(sorted(names.items()))


def count_parameters(model: onnx.ModelProto) -> int:
    """Learned values: elements of floating-point constants and of quantized weights, whatever their width.

    Scales, zero points, and integer constants such as shapes and axes are none. A scalar in floating point is one of
    the graph's own numbers (an epsilon, a factor), not a parameter.
    """
    from onnx import TensorProto

    floats = {TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE}
    about: set[str] = set()
    quantized: set[str] = set()
    scales = {node.output[1] for node in nodes_of(model.graph) if node.op_type == "DynamicQuantizeLinear"}
    integers = any(node.op_type == "MatMulInteger" for node in nodes_of(model.graph))
    # A row of a quantized table stands for the table, where it is dequantized after the look-up.
    tables = {node.output[0]: node.input[0] for node in nodes_of(model.graph) if node.op_type == "Gather"}
    dims = {tensor.name: tensor.dims for tensor in model.graph.initializer}
    packed: dict[str, int] = {}  # weights of which several are in one element, to their number
    for node in nodes_of(model.graph):
        if node.op_type == "MatMulNBits":
            packed[node.input[1]] = math.prod(a.i for a in node.attribute if a.name in ("K", "N"))
        if node.op_type == "GatherBlockQuantized":
            bits = next((a.i for a in node.attribute if a.name == "bits"), 4)
            packed[node.input[0]] = element_count(dims.get(node.input[0], [])) * 8 // bits
        if node.op_type == "Mul" and (scales.intersection(node.input) or (integers and set(node.input) <= set(dims))):
            about.update(node.input)  # the weights' scales, times those of the activations, or of a table
        positions = _ABOUT.get(node.op_type, frozenset())
        for position, value in enumerate(node.input):
            name = tables.get(value, value)
            if position in positions:
                about.add(name)
            elif node.op_type in _INTEGER_WEIGHTS:
                quantized.add(name)
    total = 0
    for tensor in model.graph.initializer:
        learned = tensor.data_type in floats and len(tensor.dims) > 0
        if tensor.name not in about and (learned or tensor.name in quantized):
            total += packed.get(tensor.name) or element_count(tensor.dims)
    return total


def _spec(value: onnx.ValueInfoProto, types: Mapping[str, onnx.TypeProto]) -> TensorSpec:
    """A tensor of the signature. A dimension without length and name is called after the tensor and its axis."""
    import numpy as np
    from onnx import TensorProto, helper

    what = f"{value.name!r} of the model's signature"
    if not value.type.HasField("tensor_type"):
        raise LeptonError(what, "it is no tensor but a sequence, a map or an optional", "Give the model tensors only")
    dims = dims_of(value.type)
    if dims is None:
        dims = dims_of(types.get(value.name))
    if dims is None:
        raise LeptonError(what, "its number of dimensions is not known", "Convert the model with declared shapes")
    element = value.type.tensor_type.elem_type or types[value.name].tensor_type.elem_type
    if element == TensorProto.STRING:
        raise LeptonError(what, "it holds strings", "Give the model numbers")
    try:
        dtype = np.dtype(helper.tensor_dtype_to_np_dtype(element)).name
    except KeyError:
        raise LeptonError(what, f"its element type {element} is unknown", "Convert the model again") from None
    shape = tuple(f"{value.name}_{axis}" if dim is None else dim for axis, dim in enumerate(dims))
    return TensorSpec(value.name, dtype, shape)
