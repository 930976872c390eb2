"""Multiply-accumulate operations of one sample: what a model costs, said without running it.

Counted are the operators that do nearly all of the arithmetic: convolutions and matrix products, in floating point
and quantized.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from lepton_plugin_onnx.graphs import nodes_of
from lepton_plugin_onnx.shapes import dims_of, infer
from lepton_rules.plugin import LeptonError

if TYPE_CHECKING:
    import onnx

# Operators whose arithmetic is a product that is not counted here: a model with one of them has no known count.
_UNCOUNTED = frozenset(
    "DeformConv DFT Einsum FusedConv FusedGemm FusedMatMul GRU GroupQueryAttention If LSTM Loop "
    "MultiHeadAttention RNN Scan STFT DynamicQuantizeLSTM".split()
)


def count_macs(model: onnx.ModelProto) -> int | None:
    """Multiply-accumulates for one sample, the leading axis of every input being the sample; None where they are not
    known."""
    if any(node.op_type in _UNCOUNTED for node in nodes_of(model.graph)):
        return None
    try:
        types = infer(model, batch=1)
    except LeptonError:
        return None
    leading = {(dims_of(value.type) or [None])[0] for value in model.graph.input}
    batches = {dim for dim in leading if isinstance(dim, int)} or {1}
    total = 0
    for node in model.graph.node:
        count = _COUNTERS.get(node.op_type)
        if count is None:
            continue
        macs = count(node, types)
        if macs is None:
            return None
        total += macs
    batch = next(iter(batches))
    return total // batch if len(batches) == 1 and batch and total % batch == 0 else None


def _attribute(node: onnx.NodeProto, name: str, default: int) -> int:
    return next((attribute.i for attribute in node.attribute if attribute.name == name), default)


def _shape(types: Mapping[str, Any], name: str) -> list[int] | None:
    dims = dims_of(types.get(name))
    return [dim for dim in dims if isinstance(dim, int)] if dims is not None and all_known(dims) else None


def all_known(dims: list[int | str | None]) -> bool:
    """Whether every dimension is a length."""
    return all(isinstance(dim, int) for dim in dims)


def _conv(weight: int) -> Callable[[onnx.NodeProto, Mapping[str, Any]], int | None]:
    """Output elements times the products of one: input channels of a group times kernel. W is [M, C / group, k...]."""

    def count(node: onnx.NodeProto, types: Mapping[str, Any]) -> int | None:
        output, kernel = _shape(types, node.output[0]), _shape(types, node.input[weight])
        return None if output is None or kernel is None else math.prod(output) * math.prod(kernel[1:])

    return count


def _conv_transpose(node: onnx.NodeProto, types: Mapping[str, Any]) -> int | None:
    """Input elements times the products that each takes part in. W is [C, M / group, k...]."""
    source, kernel = _shape(types, node.input[0]), _shape(types, node.input[1])
    return None if source is None or kernel is None else math.prod(source) * math.prod(kernel[1:])


def _product(left: int, transposable: bool) -> Callable[[onnx.NodeProto, Mapping[str, Any]], int | None]:
    """Output elements times the length of the axis that is summed over."""

    def count(node: onnx.NodeProto, types: Mapping[str, Any]) -> int | None:
        output, source = _shape(types, node.output[0]), _shape(types, node.input[left])
        if output is None or not source:
            return None
        axis = 0 if transposable and _attribute(node, "transA", 0) else -1
        return math.prod(output) * source[axis]

    return count


def _attention(node: onnx.NodeProto, types: Mapping[str, Any]) -> int | None:
    """The projections of x [B, S, D] by the weights [D, 3 D], the scores, and the values that they mix.

    ONNX's operator of the same name has no projections and is not counted.
    """
    source, weights = _shape(types, node.input[0]), _shape(types, node.input[1])
    if node.domain != "com.microsoft" or source is None or weights is None or len(source) != 3:
        return None
    batch, length, width = source
    inner = weights[1] // 3
    return batch * length * width * weights[1] + 2 * batch * length * length * inner


_COUNTERS: dict[str, Callable[[Any, Mapping[str, Any]], int | None]] = {
    "Conv": _conv(1),
    "ConvInteger": _conv(1),
    "QLinearConv": _conv(3),
    "ConvTranspose": _conv_transpose,
    "Gemm": _product(0, transposable=True),
    "QGemm": _product(0, transposable=True),
    "MatMul": _product(0, transposable=False),
    "MatMulInteger": _product(0, transposable=False),
    "QLinearMatMul": _product(0, transposable=False),
    "DynamicQuantizeMatMul": _product(0, transposable=False),
    "MatMulIntegerToFloat": _product(0, transposable=False),
    "MatMulNBits": _product(0, transposable=False),
    "Attention": _attention,
    "QAttention": _attention,
}
