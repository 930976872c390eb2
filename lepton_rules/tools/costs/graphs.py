"""Networks of one kind of layer, of sizes over four orders of magnitude."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import onnx

LENGTH = 4
"""Layers of a network, all alike: what it does once, as bringing its input into the kernels' layout, counts less."""

_SCALE = 0.05


@dataclass(frozen=True)
class Size:
    """A layer with as many inputs as outputs: a 3x3 convolution over side times side, or a linear one with side 0."""

    channels: int
    side: int = 0

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the layer for one sample."""
        return self.channels**2 * (9 * self.side**2 or 1)

    @property
    def shape(self) -> list[int]:
        """Of the layer's input and output."""
        return [1, self.channels, self.side, self.side] if self.side else [1, self.channels]


_SIDES = [(16, 2), (16, 4), (16, 8), (32, 8), (32, 16), (64, 16), (128, 16), (256, 16)]
SIZES = {
    "convolution": [Size(channels, side) for channels, side in _SIDES],
    "linear": [Size(channels) for channels in (16, 32, 64, 128, 256, 512, 1024, 2048)],
}
"""By the kind of a cost table, with rising multiply-accumulates; channels suit kernels that work on 16 at once."""


def network(size: Size | None, dtype: str) -> onnx.ModelProto:
    """LENGTH layers in a row, or, for the time of a call, one that copies a number.

    With int8 activations are uint8 from the input to the output, so that each layer is one quantized kernel.
    """
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    nodes: list[onnx.NodeProto] = []
    constants: list[onnx.TensorProto] = []
    draw = np.random.default_rng(0)

    def constant(value: Any, dtype: Any) -> str:
        constants.append(numpy_helper.from_array(np.asarray(value, dtype), f"c{len(constants)}"))
        return constants[-1].name

    def node(op: str, *inputs: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(op, inputs, [f"y{len(nodes)}"], **attributes))
        return str(nodes[-1].output[0])

    def layer(value: str, channels: int, side: int) -> str:
        shape, rest = ([channels, channels, 3, 3], {"pads": [1] * 4}) if side else ([channels] * 2, {"transB": 1})
        # So that numbers stay as large as they are from layer to layer.
        weights, biases = draw.standard_normal(shape) / np.prod(shape[1:]) ** 0.5, np.zeros(channels)
        op = "Conv" if side else "Gemm"
        if dtype == "float32":
            return node(op, value, constant(weights, np.float32), constant(biases, np.float32), **rest)
        scale, middle = constant(_SCALE, np.float32), constant(128, np.uint8)
        whole = constant(np.clip(np.rint(weights / _SCALE), -64, 63), np.int8)
        weight = node("DequantizeLinear", whole, scale, constant(0, np.int8))
        bias = node("DequantizeLinear", constant(biases, np.int32), constant(_SCALE**2, np.float32))
        result = node(op, node("DequantizeLinear", value, scale, middle), weight, bias, **rest)
        return node("QuantizeLinear", result, scale, middle)

    value = "x" if size else node("Identity", "x")
    for one in [size] * LENGTH if size else []:
        value = layer(value, one.channels, one.side)
    kind, shape = TensorProto.FLOAT if dtype == "float32" else TensorProto.UINT8, size.shape if size else [1]
    given, result = (helper.make_tensor_value_info(name, kind, shape) for name in ("x", value))
    graph = helper.make_graph(nodes, "layers", [given], [result], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
