"""Types and shapes of every tensor, by onnx's shape inference over the graph without its weights.

Inference needs the values of small constants (shapes, axes) and only the shapes of large ones. So the large ones
become inputs of a copy of the graph: inference then costs the same for a model of any size, and no weight is copied.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lepton_plugin_onnx.standins import standin
from lepton_plugin_onnx.tensors import element_count
from lepton_rules.plugin import LeptonError

if TYPE_CHECKING:
    import onnx

_SMALL_ELEMENTS = 4096


def infer(model: onnx.ModelProto, batch: int | None = None, strict: bool = False) -> Mapping[str, onnx.TypeProto]:
    """The type of every named tensor of the main graph that inference can tell, initializers among them.

    With `batch`, the leading dimension of each input is set to it first, wherever it is symbolic or named as one that
    is, and what the model itself says of inner and output shapes is left out. LeptonError when the graph contradicts
    itself; `strict` also where an operator's inputs do not fit it.
    """
    import onnx as library

    skeleton = skeleton_of(model)
    graph = skeleton.graph
    dims = {tensor.name: list(tensor.dims) for tensor in model.graph.initializer}
    nodes = list(graph.node)
    del graph.node[:]
    for node in nodes:
        graph.node.extend(standin(node, dims) if node.domain == "com.microsoft" else [node])
    if batch is not None:
        del graph.value_info[:]
        _set_batch(graph, batch, {value.name for value in model.graph.input})
    try:
        inferred = library.shape_inference.infer_shapes(skeleton, check_type=False, strict_mode=strict, data_prop=True)
    except Exception as error:  # the C++ code raises several classes, RuntimeError among them
        raise LeptonError("ONNX graph", f"its shapes do not fit ({error})", "Convert the model again") from None
    types = {value.name: value.type for value in inferred.graph.value_info}
    types.update({value.name: value.type for value in [*inferred.graph.input, *inferred.graph.output]})
    for tensor in model.graph.initializer:
        types[tensor.name] = library.helper.make_tensor_type_proto(tensor.data_type, list(tensor.dims))
    return types


def skeleton_of(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model without its weights: those of more than some thousand elements are inputs of its main graph."""
    import onnx

    skeleton = onnx.ModelProto(ir_version=model.ir_version)
    skeleton.opset_import.extend(model.opset_import)
    skeleton.functions.extend(model.functions)
    graph = skeleton.graph
    graph.name = "skeleton"
    graph.node.extend(model.graph.node)
    graph.input.extend(model.graph.input)
    graph.output.extend(model.graph.output)
    graph.value_info.extend(model.graph.value_info)
    for tensor in model.graph.initializer:
        if element_count(tensor.dims) <= _SMALL_ELEMENTS and not tensor.external_data:
            graph.initializer.add().CopyFrom(tensor)
        else:
            graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    return skeleton


def dims_of(type_proto: onnx.TypeProto | None) -> list[int | str | None] | None:
    """The dimensions of a tensor type: a length, a symbol, or None where one is unknown; None where the rank is."""
    if type_proto is None or not type_proto.HasField("tensor_type") or not type_proto.tensor_type.HasField("shape"):
        return None
    dims: list[int | str | None] = []
    for dim in type_proto.tensor_type.shape.dim:
        if dim.HasField("dim_value") and dim.dim_value >= 0:
            dims.append(dim.dim_value)
        else:
            dims.append(dim.dim_param or None)
    return dims


def _set_batch(graph: onnx.GraphProto, batch: int, inputs: set[str]) -> None:
    symbols = set()
    for value in (value for value in graph.input if value.name in inputs):
        dims = value.type.tensor_type.shape.dim
        if dims and not dims[0].HasField("dim_value"):
            symbols.add(dims[0].dim_param)
            dims[0].dim_value = batch
    for value in graph.input:
        for dim in value.type.tensor_type.shape.dim:
            if dim.HasField("dim_param") and dim.dim_param and dim.dim_param in symbols:
                dim.dim_value = batch
    for value in graph.output:
        value.type.tensor_type.ClearField("shape")
