"""The pass `pad_channels`: channels of zeros, so that no lane of the chip is left over."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np
import onnx
from onnx import numpy_helper, shape_inference

from lepton_rules.plugin import ModelFacts, PassContext, TensorSpec
from lepton_rules.plugin.onnx_canonical import save

# Between two layers: each channel by itself, and zero stays zero.
_CHANNELWISE = ("MaxPool", "Relu")


def pad_channels(context: PassContext) -> ModelFacts:
    """Pads each convolution whose only reader is another layer, which gets as many inputs of weight zero.

    What the network computes stays the same. Convolutions that something else reads stay as they are: the compiler
    says of which of them the chip can make nothing.
    """
    model = onnx.load(context.model.path / "model.onnx")
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    added, padded = 0, {}
    for convolution, reader in _pairs(model.graph, weights):
        weight = weights[convolution.input[1]]
        channels = weight.dims[0]
        more = -channels % context.config.multiple
        if not more:
            continue
        for name in convolution.input[1:]:
            added += _pad(weights[name], 0, more)
        into = weights[reader.input[1]]
        axis = 0 if reader.op_type == "Gemm" and not _attributes(reader).get("transB") else 1
        # Flattened, a channel is a row of height times width.
        added += _pad(into, axis, more * (into.dims[axis] // channels))
        padded[convolution.name] = [channels, channels + more]
    before = context.model.manifest
    if padded:
        # The shapes that were inferred for the old widths.
        del model.graph.value_info[:]
    macs = _macs(model, weights)
    save(model, context.output)
    return ModelFacts(
        inputs=tuple(map(TensorSpec.from_json, before["inputs"])),
        outputs=tuple(map(TensorSpec.from_json, before["outputs"])),
        parameters=before["parameters"] + added,
        macs=macs,
        notes={"padded": padded},
    )


def _pairs(
    graph: onnx.GraphProto, weights: Mapping[str, onnx.TensorProto]
) -> Iterator[tuple[onnx.NodeProto, onnx.NodeProto]]:
    """Yields each convolution that can be padded, and the layer that reads it."""
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    outputs = {value.name for value in graph.output}

    def own(node: onnx.NodeProto) -> bool:
        return all(name in weights and len(readers[name]) == 1 for name in node.input[1:])

    for convolution in graph.node:
        if convolution.op_type != "Conv" or not own(convolution) or _attributes(convolution).get("group", 1) != 1:
            continue
        node, flat = convolution, False
        while node.output[0] not in outputs and len(readers.get(node.output[0], [])) == 1:
            (node,) = readers[node.output[0]]
            if node.op_type == "Flatten" and _attributes(node).get("axis", 1) == 1:
                flat = True
            elif node.op_type not in _CHANNELWISE:
                break
        layer = "Gemm" if flat else "Conv"
        if node.op_type == layer and own(node) and _attributes(node).get("group", 1) == 1:
            yield convolution, node


def _attributes(node: onnx.NodeProto) -> dict[str, int]:
    return {attribute.name: attribute.i for attribute in node.attribute}


def _pad(tensor: onnx.TensorProto, axis: int, more: int) -> int:
    """Adds zeros at the end of an axis, and returns how many."""
    array = numpy_helper.to_array(tensor)
    widths = [(0, more if index == axis else 0) for index in range(array.ndim)]
    wider = np.pad(array, widths)
    tensor.CopyFrom(numpy_helper.from_array(wider, tensor.name))
    return int(wider.size - array.size)


def _macs(model: onnx.ModelProto, weights: Mapping[str, onnx.TensorProto]) -> int | None:
    """Multiply-accumulates of one sample in convolutions and dense layers; None where a shape is not known."""
    graph = shape_inference.infer_shapes(model).graph
    shapes = {value.name: value.type.tensor_type.shape.dim for value in [*graph.value_info, *graph.output]}
    macs = 0
    for node in graph.node:
        if node.op_type in ("Conv", "Gemm"):
            if node.input[1] not in weights or node.output[0] not in shapes:
                return None
            places = [dim.dim_value for dim in shapes[node.output[0]][2:]]
            macs += math.prod([*weights[node.input[1]].dims, *places])
    return macs
