"""Counts multiply-accumulate operations on TensorFlow's own graph of a network: convolutions and matrix products."""

from __future__ import annotations

import math
from typing import Any

from lepton_plugin_keras.libraries import tf
from lepton_plugin_keras.network import Network

_LOOPS = frozenset({"While", "StatelessWhile", "If", "StatelessIf"})


def count(network: Network) -> int | None:
    """Multiply-accumulates of one sample. None where a dimension other than the leading one is known only at run time,
    or the graph has a loop, as then the number depends on the data."""
    named = {d for spec in network.inputs for d in spec.shape[1:] if isinstance(d, str)}
    leading = {spec.shape[0] for spec in network.inputs if spec.shape}
    if named or len(leading) != 1:
        return None
    batch = next(iter(leading))
    rows = batch if isinstance(batch, int) else 1
    signature = [tf.TensorSpec([rows, *spec.shape[1:]], tf.as_dtype(spec.dtype)) for spec in network.inputs]
    function = tf.function(lambda *tensors: network.call(tensors)).get_concrete_function(*signature)
    total = 0
    waiting, seen = [function.graph], 0
    while waiting:
        graph = waiting.pop()
        seen += 1
        for operation in graph.get_operations():
            if operation.type in _LOOPS:
                return None
            if operation.type in ("PartitionedCall", "StatefulPartitionedCall"):
                waiting.append(_called(graph, operation))
                continue
            macs = _of(operation, rows)
            if macs is None:
                return None
            total += macs
    return total // rows


def _called(graph: Any, operation: Any) -> Any:
    return graph._get_function(operation.get_attr("f").name).graph  # no public way leads to it


def _of(operation: Any, rows: int) -> int | None:
    kind = operation.type
    if kind not in _COUNTED:
        return 0
    shapes = []
    for tensor in (*operation.inputs, *operation.outputs):
        shape = tensor.shape.as_list() if tensor.shape.rank else [None]
        # The functions of a SavedModel keep an open leading axis, whatever they are called with.
        shapes.append([rows if length is None else length for length in shape[:1]] + shape[1:])
        if tensor.shape.rank is None or None in shapes[-1]:
            return None
    output = math.prod(shapes[-1])
    if kind in ("Conv2D", "Conv3D"):
        return output * math.prod(shapes[1][:-1])
    if kind == "DepthwiseConv2dNative":
        return output * math.prod(shapes[1][:2])
    if kind in ("Conv2DBackpropInput", "Conv3DBackpropInputV2"):
        # Inputs: the output's size, the filter [.., out, in], what is spread.
        return math.prod(shapes[2]) * math.prod(shapes[1][:-1])
    if kind == "Einsum":
        terms = operation.get_attr("equation").decode().partition("->")[0].split(",")
        if any("." in term for term in terms):
            return None
        pairs = [pair for term, shape in zip(terms, shapes, strict=False) for pair in zip(term, shape, strict=True)]
        return math.prod(dict(pairs).values())
    transposed = operation.get_attr("transpose_a" if kind == "MatMul" else "adj_x")
    return output * int(shapes[0][-2 if transposed else -1])


_COUNTED = frozenset(
    "Conv2D Conv3D DepthwiseConv2dNative Conv2DBackpropInput Conv3DBackpropInputV2 Einsum MatMul BatchMatMul "
    "BatchMatMulV2 BatchMatMulV3".split()
)
