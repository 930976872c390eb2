"""Standard operators in the place of onnxruntime's own, alike in type and shape: onnx infers nothing through others.

Operators: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

# Their first output has the type and shape of their first input.
_ALIKE = frozenset({"BiasGelu", "FastGelu", "Gelu", "QuickGelu", "SkipLayerNormalization"})


def standin(node: onnx.NodeProto, dims: Mapping[str, Sequence[int]]) -> list[onnx.NodeProto]:
    """Nodes whose outputs have the types and shapes of those of `node`; itself where there are none.

    Args:
        node: of the domain com.microsoft.
        dims: the dimensions of each constant.
    """
    from onnx import TensorProto, helper

    first, output = node.input[0], node.output[0]
    if node.op_type in _ALIKE:
        return [helper.make_node("Identity", [first], [output])]
    if node.op_type in ("Attention", "QAttention"):
        weights = dims.get(node.input[1], [])
        sizes = any(attribute.name == "qkv_hidden_sizes" for attribute in node.attribute)
        if len(weights) == 2 and weights[1] == 3 * weights[0] and not sizes:
            if node.op_type == "Attention":
                return [helper.make_node("Identity", [first], [output])]
            return [helper.make_node("Cast", [first], [output], to=TensorProto.FLOAT)]
    if node.op_type in ("EmbedLayerNormalization", "QEmbedLayerNormalization"):
        if node.op_type.startswith("E"):
            return [helper.make_node("Gather", [node.input[2], first], [output])]
        looked_up = f"{output}.looked_up"
        return [
            helper.make_node("Gather", [node.input[2], first], [looked_up]),
            helper.make_node("Cast", [looked_up], [output], to=TensorProto.FLOAT),
        ]
    if node.op_type == "GatherBlockQuantized" and node.input[0] in dims:
        bits = next((attribute.i for attribute in node.attribute if attribute.name == "bits"), 4)
        rows, packed = dims[node.input[0]]
        shape = helper.make_tensor(f"{output}.shape", TensorProto.INT64, [2], [rows, packed * 8 // bits])
        names = [f"{output}.shape", f"{output}.table"]
        return [
            helper.make_node("Constant", [], names[:1], value=shape),
            helper.make_node("ConstantOfShape", names[:1], names[1:]),
            helper.make_node("Gather", [names[1], node.input[1]], [output]),
        ]
    if node.op_type == "MatMulNBits":
        sizes_of = {attribute.name: attribute.i for attribute in node.attribute}
        shape = helper.make_tensor(f"{output}.shape", TensorProto.INT64, [2], [sizes_of["K"], sizes_of["N"]])
        names = [f"{output}.shape", f"{output}.weights"]
        return [
            helper.make_node("Constant", [], names[:1], value=shape),
            helper.make_node("ConstantOfShape", names[:1], names[1:]),
            helper.make_node("MatMul", [first, names[1]], [output]),
        ]
    return [node]
