"""A model in bfloat16 as the reference computes it on the CPU, whose kernels take none.

Every operator computes in float32 and its result is rounded to bfloat16 (to nearest, ties to even): what a chip gives
that multiplies bfloat16 and sums in float32. Constants become float32, which holds each of them exactly.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lepton_rules.plugin.onnx_canonical import MODEL_FILE, save

if TYPE_CHECKING:
    import onnx


def lowered(path: Path, scratch: Path) -> Path:
    """The path of a model without bfloat16 arithmetic: `path` itself where there is none, else a copy in `scratch`."""
    import onnx

    if not _has_bf16(onnx.load(str(path), load_external_data=False)):
        return path
    model = onnx.shape_inference.infer_shapes(onnx.load(str(path)))
    _lower(model)
    folder = scratch / "lowered"
    folder.mkdir()
    save(model, folder)
    return folder / MODEL_FILE


def _has_bf16(model: onnx.ModelProto) -> bool:
    from onnx import TensorProto

    return any(tensor.data_type == TensorProto.BFLOAT16 for tensor in model.graph.initializer) or any(
        node.op_type == "Cast" and attribute.i == TensorProto.BFLOAT16
        for node in model.graph.node
        for attribute in node.attribute
    )


def _lower(model: onnx.ModelProto) -> None:
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    rounded = {value.name for value in graph.value_info if value.type.tensor_type.elem_type == TensorProto.BFLOAT16}
    del graph.value_info[:]
    for tensor in graph.initializer:
        if tensor.data_type == TensorProto.BFLOAT16:
            wide = numpy_helper.to_array(tensor).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(wide, tensor.name))
    nodes = []
    for node in graph.node:
        results = [name for name in node.output if name in rounded]
        for attribute in node.attribute:
            if attribute.name == "to" and attribute.i == TensorProto.BFLOAT16:
                attribute.i = TensorProto.FLOAT
            if attribute.HasField("t") and attribute.t.data_type == TensorProto.BFLOAT16:
                wide = numpy_helper.to_array(attribute.t).astype(np.float32)
                attribute.t.CopyFrom(numpy_helper.from_array(wide))
        for place, name in enumerate(node.output):
            if name in rounded:
                node.output[place] = f"{name}.exact"
        nodes.append(node)
        for name in results:
            narrow = f"{name}.narrow"
            nodes.append(helper.make_node("Cast", [f"{name}.exact"], [narrow], narrow, to=TensorProto.BFLOAT16))
            nodes.append(helper.make_node("Cast", [narrow], [name], f"{name}.wide", to=TensorProto.FLOAT))
    copies = [type(node).FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)
