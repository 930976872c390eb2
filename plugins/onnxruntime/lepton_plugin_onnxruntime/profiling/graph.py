"""The layers with weights of an ONNX file, and which of them a node of onnxruntime's own graph stands for."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

# Operator to the place of its weights among the inputs, and the precision it stands for ("" for that of the weights).
_LAYERS = {
    "Conv": (1, ""),
    "ConvInteger": (1, "int8"),
    "DynamicQuantizeMatMul": (1, "int8"),
    "Gemm": (1, ""),
    "MatMul": (1, ""),
    "MatMulInteger": (1, "int8"),
    "MatMulIntegerToFloat": (1, "int8"),
    "MatMulNBits": (1, "int8"),
    "QGemm": (3, "int8"),
    "QLinearConv": (3, "int8"),
    "QLinearMatMul": (3, "int8"),
}
_PASSED = ("Cast", "DequantizeLinear", "QuantizeLinear", "Transpose")
# What onnxruntime puts around a name when it changes a node.
_PREFIX = re.compile(r"^fused ")
_SUFFIX = re.compile(r"(_nchwc|_nhwc|_quant|_Q8Q8|_Q4|_token_\d+)$")
_BITS = {"int4": 4, "int8": 8, "float16": 16, "bfloat16": 16, "float32": 32, "float64": 64}


@dataclass(frozen=True, kw_only=True)
class FileLayer:
    """A convolution or matrix product with constant weights.

    Attributes:
      name: of its node.
      shape: of its weights.
      weights: how many.
      precision: what its product is made in.
      bytes: of its weights.
    """

    name: str
    operator: str
    shape: tuple[int, ...]
    weights: int
    precision: str
    bytes: int


class Graph:
    """The main graph of a file; weights stay on disk where they are in a file of their own."""

    def __init__(self, path: Path) -> None:
        import onnx

        graph = onnx.load(str(path), load_external_data=False).graph
        self._makers = {name: node for node in graph.node for name in node.output}
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        found = [self._layer(node) for node in graph.node]
        self.layers = [layer for layer in found if layer is not None]
        self._by_name = {layer.name: layer for layer in self.layers}

    def layer_of(self, node: str, constant_bytes: int) -> FileLayer | None:
        """What a node of the runtime's graph stands for, by its name, or by the tensor that it is named after.

        Args:
          constant_bytes: of the node, to tell two layers apart whose sum it makes.
        """
        name = _PREFIX.sub("", node)
        while True:
            if name in self._by_name:
                return self._by_name[name]
            if name in self._makers:
                nearest = self._nearest(name)
                return min(nearest, key=lambda layer: abs(layer.bytes - constant_bytes), default=None)
            shorter = _SUFFIX.sub("", name)
            if shorter == name:
                return None
            name = shorter

    def _nearest(self, tensor: str) -> list[FileLayer]:
        """The layers that make a tensor with the fewest other nodes in between, at most six."""
        level = [tensor]
        for _ in range(7):
            nodes = [self._makers[name] for name in level if name in self._makers]
            layers = [self._by_name[self._plain(node)] for node in nodes if self._plain(node) in self._by_name]
            if layers or not nodes:
                return layers
            level = [name for node in nodes for name in node.input]
        return []

    def _plain(self, node: onnx.NodeProto) -> str:
        """The name of the node that one stands for which quantizes its data."""
        return node.name.removesuffix("_quant") if node.op_type in ("MatMulInteger", "ConvInteger") else node.name

    def _layer(self, node: onnx.NodeProto) -> FileLayer | None:
        place, precision = _LAYERS.get(node.op_type, (-1, ""))
        if place < 0 or place >= len(node.input):
            return None
        weights, dequantized = self._constant(node.input[place])
        if weights is None or len(weights.dims) < 2:
            return None
        shape = tuple(weights.dims)
        if node.op_type == "MatMulNBits":
            options = {attribute.name: attribute.i for attribute in node.attribute}
            shape, precision = (options["K"], options["N"]), f"int{options.get('bits', 4)}"
        precision = precision or self._precision(weights, node.input[0], dequantized)
        stored = "int8" if dequantized else precision
        count = math.prod(shape)
        return FileLayer(
            name=self._plain(node),
            operator=node.op_type,
            shape=shape,
            weights=count,
            precision=precision,
            bytes=count * _BITS[stored] // 8,
        )

    def _constant(self, name: str) -> tuple[onnx.TensorProto | None, bool]:
        """The constant that a tensor is made of, and whether it is dequantized on the way."""
        dequantized = False
        for maker in self._way_up(name):
            if isinstance(maker, str):
                return self._constants.get(maker), dequantized
            dequantized = dequantized or maker.op_type == "DequantizeLinear"
        return None, dequantized

    def _way_up(self, name: str) -> Iterator[onnx.NodeProto | str]:
        while name in self._makers and self._makers[name].op_type in _PASSED:
            yield self._makers[name]
            name = self._makers[name].input[0]
        yield name

    def _precision(self, weights: onnx.TensorProto, data: str, dequantized: bool) -> str:
        """Of the product: integers only where both sides are dequantized, which the runtime fuses."""
        from onnx import TensorProto

        if dequantized:
            maker = self._makers.get(data)
            return "int8" if maker is not None and maker.op_type == "DequantizeLinear" else "float32"
        names = {TensorProto.FLOAT16: "float16", TensorProto.BFLOAT16: "bfloat16", TensorProto.DOUBLE: "float64"}
        return names.get(weights.data_type, "float32")
