"""Linear layers in the form that quantizers take."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx


def gemm_to_matmul(model: onnx.ModelProto, exclude: set[str]) -> None:
    """Gemm with constant weights as MatMul and Add, which have dynamic forms; its factors go into weights and bias."""
    from onnx import helper, numpy_helper

    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for index, node in reversed(list(enumerate(model.graph.node))):
        if node.op_type != "Gemm" or node.name in exclude or node.input[1] not in constants:
            continue
        attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        bias_name = node.input[2] if len(node.input) > 2 else ""
        if attributes.get("transA", 0) or (bias_name and bias_name not in constants):
            continue
        weights = numpy_helper.to_array(constants[node.input[1]]) * attributes.get("alpha", 1.0)
        weights = weights.T if attributes.get("transB", 0) else weights
        tensor = constants[node.input[1]]
        name = f"{node.name}_weights"
        model.graph.initializer.append(
            numpy_helper.from_array(weights.astype(helper.tensor_dtype_to_np_dtype(tensor.data_type)).copy(), name)
        )
        output = f"{node.name}_product" if bias_name else node.output[0]
        nodes = [helper.make_node("MatMul", [node.input[0], name], [output], node.name)]
        if bias_name:
            bias = numpy_helper.to_array(constants[bias_name])
            scaled = (bias * attributes.get("beta", 1.0)).astype(bias.dtype)
            model.graph.initializer.append(numpy_helper.from_array(scaled, f"{node.name}_bias"))
            nodes.append(helper.make_node("Add", [output, f"{node.name}_bias"], [node.output[0]], f"{node.name}_add"))
        del model.graph.node[index]
        for offset, new in enumerate(nodes):
            model.graph.node.insert(index + offset, new)
    used = {name for node in model.graph.node for name in node.input}
    for index, tensor in reversed(list(enumerate(model.graph.initializer))):
        if tensor.name not in used:
            del model.graph.initializer[index]
