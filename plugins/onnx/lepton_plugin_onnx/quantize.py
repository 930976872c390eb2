"""Static 8-bit quantization into QDQ form: QuantizeLinear and DequantizeLinear around what a chip computes in int8.

Ranges come from `calibration`, the graph surgery from onnxruntime's QDQQuantizer. What is right for a chip stands in
its target: on x86 uint8 asymmetric activations by int8 symmetric per-channel weights are what MLAS has fast kernels
for; TensorRT takes int8 symmetric activations and biases in floating point.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lepton_plugin_onnx.calibration import Calibration
from lepton_plugin_onnx.files import read_model
from lepton_plugin_onnx.finish import finish
from lepton_plugin_onnx.native import quiet
from lepton_plugin_onnx.selection import require_nodes, require_op_types
from lepton_plugin_onnx.shapes import infer
from lepton_rules.plugin import DatasetFile, LeptonError, ModelFacts, PassContext, TensorSpec
from lepton_rules.plugin.arrays import require_fit

if TYPE_CHECKING:
    import onnx

    from lepton_plugin_onnx.configs import QuantizeConfig

_MIN_OPSET = 13  # the first whose DequantizeLinear takes one scale a channel
_WHAT = "pass onnx.quantize"
_QUANTIZED = ("DequantizeLinear", "DynamicQuantizeLinear", "MatMulNBits", "QuantizeLinear")


def quantize(context: PassContext) -> ModelFacts:
    """Writes the quantized model. LeptonError where the calibration samples do not fit, a name is unknown, or a model
    is quantized already.
    """
    from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry

    config: QuantizeConfig = context.config
    model = at_least_opset(read_model(context.model.path), _MIN_OPSET, _WHAT)
    refuse_quantized(model, _WHAT)
    require_nodes(model, config.exclude, "quantize")
    op_types = require_op_types(config.op_types, [*QDQRegistry, *QLinearOpsRegistry], "quantize")
    write_types(model)

    slot = context.slots["calibration"]
    assert isinstance(slot, DatasetFile)
    arrays = slot.arrays()
    specs = [TensorSpec.from_json(spec) for spec in context.model.manifest["inputs"]]
    samples = min(require_fit(arrays, specs, f"slot calibration of {_WHAT}"), config.max_samples)
    calibration = Calibration(model, _activations(model, op_types), arrays, samples, context.threads)
    ranges = calibration.ranges(
        config.calibrator, config.percentile, config.activation_symmetric, config.activation_type == "uint8"
    )
    del arrays

    candidates = {node.name for node in model.graph.node if node.op_type in op_types} - set(config.exclude)
    quantized_model = _insert_qdq(model, ranges, op_types, config)
    quantized = _quantized_nodes(quantized_model, candidates)
    if not quantized:
        raise LeptonError(_WHAT, "no node of the model can be quantized", "Leave this pass out, or exclude less")
    notes: dict[str, Any] = {
        "calibrator": config.calibrator,
        "samples": calibration.samples,
        "quantized": quantized,
        "excluded": sorted(config.exclude),
    }
    if config.calibrator == "Percentile":
        notes["percentile"] = config.percentile
    return finish(quantized_model, context.output, notes)


def at_least_opset(model: onnx.ModelProto, version: int, what: str) -> onnx.ModelProto:
    """The model with its operator set raised to `version` where it is older."""
    from onnx import version_converter

    current = next((entry.version for entry in model.opset_import if entry.domain == ""), 0)
    if current >= version:
        return model
    try:
        return version_converter.convert_version(model, version)
    except Exception as error:  # the C++ code raises several classes
        why = f"the model's operator set {current} cannot be raised to {version} ({' '.join(str(error).split())[:300]})"
        raise LeptonError(what, why, f"Export the model with operator set {version} or newer") from None


def refuse_quantized(model: onnx.ModelProto, what: str) -> None:
    """LeptonError for a model that has quantized nodes already: a second quantization would only lose accuracy."""
    for node in model.graph.node:
        if node.op_type in _QUANTIZED or "Integer" in node.op_type:
            raise LeptonError(what, f"the model is quantized already (node {node.name!r})", "Quantize once")


def write_types(model: onnx.ModelProto) -> None:
    """Writes inferred types into the model, where onnxruntime's quantizers look for them instead of inferring again."""
    import onnx
    from onnxruntime.quantization.quant_utils import add_infer_metadata

    types = infer(model)
    outputs = {value.name for value in model.graph.output}
    made = [name for node in model.graph.node for name in node.output if name in types and name not in outputs]
    del model.graph.value_info[:]
    model.graph.value_info.extend(onnx.ValueInfoProto(name=name, type=types[name]) for name in made)
    add_infer_metadata(model)


def _activations(model: onnx.ModelProto, op_types: list[str]) -> list[str]:
    """Inputs and outputs of the nodes to quantize that are in floating point and no weights, in graph order."""
    from onnx import TensorProto

    values = [*model.graph.input, *model.graph.output, *model.graph.value_info]
    floats = (TensorProto.FLOAT, TensorProto.FLOAT16)
    known = {value.name for value in values if value.type.tensor_type.elem_type in floats}
    known -= {tensor.name for tensor in model.graph.initializer}
    names: dict[str, None] = {}
    for node in model.graph.node:
        if node.op_type in op_types:
            names.update((name, None) for name in [*node.input, *node.output] if name in known)
    return list(names)


def _insert_qdq(
    model: onnx.ModelProto, ranges: dict[str, tuple[Any, Any]], op_types: list[str], config: QuantizeConfig
) -> onnx.ModelProto:
    from onnxruntime.quantization import QuantType
    from onnxruntime.quantization.calibrate import CalibrationMethod, TensorsData
    from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

    options = {
        "ActivationSymmetric": config.activation_symmetric,
        "WeightSymmetric": True,
        "QuantizeBias": config.quantize_bias,
        "DedicatedQDQPair": config.dedicated_qdq,
    }
    with quiet():
        quantizer = QDQQuantizer(
            model,
            config.per_channel,
            config.reduce_range,
            QuantType.QInt8,
            QuantType.QUInt8 if config.activation_type == "uint8" else QuantType.QInt8,
            TensorsData(CalibrationMethod.MinMax, ranges),
            [],
            list(config.exclude),
            op_types,
            options,
        )
        quantized: onnx.ModelProto = quantizer.quantize_model()
    return quantized


def _quantized_nodes(model: onnx.ModelProto, candidates: set[str]) -> list[str]:
    """Names of the nodes that now read a dequantized tensor."""
    dequantized = {name for node in model.graph.node if node.op_type == "DequantizeLinear" for name in node.output}
    readers = (node for node in model.graph.node if dequantized.intersection(node.input))
    return sorted(node.name for node in readers if node.name in candidates)
