"""How much one operator computes and moves, from what onnxruntime's profile tells and the layer that it stands for.

A product of matrices [m, k] and [k, n] is 2 m k n operations; a convolution is one such product for each of its
outputs. Elementwise operators count none: memory bounds them. The profile leaves out constants that a kernel packed for
itself, so weights are counted from the model's file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lepton_plugin_onnxruntime.profiling.graph import FileLayer

_FLOATS = {"float": "float32", "float16": "float16", "bfloat16": "bfloat16", "double": "float64"}
_CONVOLUTIONS = {"Conv", "ConvInteger", "FusedConv", "NhwcFusedConv", "QLinearConv"}
_PRODUCTS = {
    "DynamicQuantizeMatMul",
    "FusedGemm",
    "FusedMatMul",
    "Gemm",
    "MatMul",
    "MatMulInteger",
    "MatMulIntegerToFloat",
    "MatMulNBits",
    "QGemm",
    "QLinearMatMul",
}
_INTEGERS = {
    "ConvInteger",
    "DynamicQuantizeMatMul",
    "MatMulInteger",
    "MatMulIntegerToFloat",
    "QAttention",
    "QGemm",
    "QLinearConv",
    "QLinearMatMul",
}


@dataclass(frozen=True)
class Work:
    """What one execution did: see `lepton_rules.profile.protocol.Event`."""

    precision: str
    operations: int | None
    moved_bytes: int
    constant_bytes: int


def computes(operator: str) -> bool:
    """Whether an operator is a convolution or a product of matrices."""
    return operator in _CONVOLUTIONS or operator in _PRODUCTS


def work(operator: str, arguments: Mapping[str, Any], layer: FileLayer | None) -> Work:
    """Of one event's `args`; `layer` is what it stands for, if known."""
    constants = int(arguments.get("parameter_size", 0))
    if layer is not None:
        constants = max(constants, layer.bytes)
    moved = int(arguments.get("activation_size", 0)) + int(arguments.get("output_size", 0)) + constants
    outputs = _shapes(arguments.get("output_type_shape", ()))
    inputs = _shapes(arguments.get("input_type_shape", ()))
    if not computes(operator) or not outputs or not inputs:
        return Work("", None, moved, constants)
    dtype, data = inputs[0]
    precision = "int8" if operator in _INTEGERS else _FLOATS.get(dtype, dtype)
    if operator == "MatMulNBits":
        precision = layer.precision if layer is not None else "int4"
    output = outputs[0][1]
    operations: int | None = None
    if layer is not None and output:
        # Every weight is used once for each place of the output: all of its axes but the channels.
        channels = _channels(output, layer.shape[0]) if operator in _CONVOLUTIONS else output[-1]
        operations = 2 * layer.weights * (math.prod(output) // max(channels, 1))
    elif operator in _PRODUCTS and data:
        operations = 2 * math.prod(output) * data[-1]
    return Work(precision, operations, moved, constants)


def _channels(output: tuple[int, ...], channels: int) -> int:
    """The channels of a convolution's output: its second axis, which may be padded to whole vectors, or its last."""
    padded = len(output) > 1 and channels <= output[1] < channels + 16
    return output[1] if padded and output[-1] != channels else output[-1]


def _shapes(entries: Sequence[Mapping[str, Sequence[int]]]) -> list[tuple[str, tuple[int, ...]]]:
    return [(dtype, tuple(shape)) for entry in entries for dtype, shape in entry.items()]
