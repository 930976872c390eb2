"""Half precision: weights stored and computed in IEEE 754 binary16, by onnxruntime's float16 converter.

What half precision cannot hold is refused rather than clamped, so that a weight is never changed by more than its
rounding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_plugin_onnx.files import read_model
from lepton_plugin_onnx.finish import finish
from lepton_plugin_onnx.native import quiet
from lepton_plugin_onnx.quantize import write_types
from lepton_plugin_onnx.selection import require_nodes
from lepton_rules.plugin import LeptonError, ModelFacts, PassContext

if TYPE_CHECKING:
    import onnx

_WHAT = "pass onnx.to_fp16"
_LARGEST = 65504.0


def to_fp16(context: PassContext) -> ModelFacts:
    """Writes the model in half precision. LeptonError where a weight is out of its range or a name is unknown."""
    from onnxruntime.transformers.float16 import convert_float_to_float16

    model = read_model(context.model.path)
    require_nodes(model, context.config.exclude, "to_fp16")
    _check_range(model, set(context.config.exclude))
    write_types(model)
    with quiet():
        converted = convert_float_to_float16(
            model,
            keep_io_types=context.config.keep_io_types,
            disable_shape_infer=True,
            node_block_list=list(context.config.exclude),
        )
    half = sum(1 for tensor in converted.graph.initializer if tensor.data_type == 10)
    if not half:
        raise LeptonError(_WHAT, "the model has no float32 weights to convert", "Leave this pass out")
    return finish(converted, context.output, {"tensors": half, "excluded": sorted(context.config.exclude)})


def _check_range(model: onnx.ModelProto, exclude: set[str]) -> None:
    """LeptonError for a finite weight beyond the largest half, unless only excluded nodes read it."""
    import numpy as np
    from onnx import TensorProto, numpy_helper

    read = {name for node in model.graph.node if node.name not in exclude for name in node.input}
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or tensor.name not in read:
            continue
        values = np.abs(numpy_helper.to_array(tensor))
        largest = float(values[np.isfinite(values)].max(initial=0.0))
        if largest > _LARGEST:
            readers = [node.name for node in model.graph.node if tensor.name in node.input]
            why = f"the weight {tensor.name!r} holds {largest:g}, beyond the largest half, {_LARGEST:g}"
            raise LeptonError(_WHAT, why, f"Exclude what reads it: {', '.join(readers[:3])}")
