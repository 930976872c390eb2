"""Dynamic 8-bit quantization: int8 weights; activations get their scale at run time, so no calibration data is
needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_plugin_onnx.files import read_model
from lepton_plugin_onnx.finish import finish
from lepton_plugin_onnx.linear import gemm_to_matmul
from lepton_plugin_onnx.native import quiet
from lepton_plugin_onnx.opset import raise_opset
from lepton_plugin_onnx.quantize import refuse_quantized, write_types
from lepton_plugin_onnx.selection import require_nodes, require_op_types
from lepton_rules.plugin import LeptonError, ModelFacts, PassContext

if TYPE_CHECKING:
    import onnx

    from lepton_plugin_onnx.configs import QuantizeDynamicConfig

_MIN_OPSET = 11  # the first with DynamicQuantizeLinear
_WHAT = "pass onnx.quantize_dynamic"
# Convolutions are left out: onnxruntime's ConvInteger takes no int8 weights on the CPU.
_SUPPORTED = ("Attention", "EmbedLayerNormalization", "Gather", "Gemm", "LSTM", "MatMul")


def quantize_dynamic(context: PassContext) -> ModelFacts:
    """Writes the quantized model. LeptonError where a name is unknown, nothing can be quantized, or it is quantized
    already."""
    config: QuantizeDynamicConfig = context.config
    model = read_model(context.model.path)
    raise_opset(model, _MIN_OPSET, _WHAT)
    refuse_quantized(model, _WHAT)
    require_nodes(model, config.exclude, "quantize_dynamic")
    op_types = require_op_types(config.op_types, _SUPPORTED, "quantize_dynamic")
    before = {node.name: list(node.input) for node in model.graph.node if node.op_type in op_types}
    if "Gemm" in op_types:
        gemm_to_matmul(model, set(config.exclude))
    write_types(model)
    wanted = [name for name in before if name not in config.exclude]
    if wanted:
        model = _quantize(model, wanted, [op for op in op_types if op != "Gemm"] + ["MatMul"], config)
    after = {node.name: list(node.input) for node in model.graph.node}
    quantized = sorted(name for name, inputs in before.items() if after.get(name) != inputs)
    if not quantized:
        raise LeptonError(_WHAT, f"the model has no {' or '.join(op_types)} with constant weights", "Use onnx.quantize")
    return finish(model, context.output, {"quantized": quantized, "excluded": sorted(config.exclude)})


def _quantize(
    model: onnx.ModelProto, nodes: list[str], op_types: list[str], config: QuantizeDynamicConfig
) -> onnx.ModelProto:
    from onnxruntime.quantization import QuantType
    from onnxruntime.quantization.onnx_quantizer import ONNXQuantizer
    from onnxruntime.quantization.quant_utils import QuantizationMode

    quantizer = ONNXQuantizer(
        model,
        config.per_channel,
        config.reduce_range,
        QuantizationMode.IntegerOps,
        False,
        QuantType.QInt8,
        QuantType.QUInt8,
        None,
        nodes,
        [],
        op_types,
        {"MatMulConstBOnly": True, "WeightSymmetric": True},
    )
    with quiet():
        quantizer.quantize_model()
    quantized: onnx.ModelProto = quantizer.model.model
    return quantized
