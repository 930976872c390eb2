"""Static 8-bit quantization into QDQ form: QuantizeLinear and DequantizeLinear around what a chip computes in int8.

Ranges come from `calibration`, the graph surgery from onnxruntime's QDQQuantizer. What is right for a chip stands in
its target: on x86 uint8 asymmetric activations by int8 symmetric per-channel weights are what MLAS has fast kernels
for; TensorRT takes int8 symmetric activations and biases in floating point.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from lepton_plugin_onnx.calibration import Calibration
from lepton_plugin_onnx.files import read_model
from lepton_plugin_onnx.finish import finish
from lepton_plugin_onnx.native import quiet
from lepton_plugin_onnx.opset import raise_opset
from lepton_plugin_onnx.selection import require_nodes, require_op_types
from lepton_plugin_onnx.shapes import infer
from lepton_rules.plugin import DatasetFile, LeptonError, ModelFacts, PassContext, TensorSpec
from lepton_rules.plugin.arrays import require_fit

if TYPE_CHECKING:
    import onnx

    from lepton_plugin_onnx.configs import QuantizeConfig

_MIN_OPSET = 13  # the first whose DequantizeLinear takes one scale a channel
_QUANTIZED = ("DequantizeLinear", "DynamicQuantizeLinear", "GatherBlockQuantized", "MatMulNBits", "QuantizeLinear")


def quantize(context: PassContext) -> ModelFacts:
    """Writes the quantized model. LeptonError where the calibration samples do not fit, a name is unknown, or a model
    is quantized already.
    """
    config: QuantizeConfig = context.config
    quantizer = StaticQuantizer(context, "quantize")
    model = quantizer.take(config.exclude)
    return finish(model, context.output, quantizer.notes(model, config.exclude))


class StaticQuantizer:
    """A model with its calibrated ranges, ready to be quantized in any choice of nodes, any number of times.

    Args:
        context: its configuration is a QuantizeConfig, its slot `calibration` a dataset.
        pass_name: for messages.

    LeptonError where the calibration samples do not fit, a name is unknown, or the model is quantized already.
    """

    def __init__(self, context: PassContext, pass_name: str) -> None:
        from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry

        self._config: QuantizeConfig = context.config
        self._what = f"pass onnx.{pass_name}"
        config = self._config
        model = read_model(context.model.path)
        raise_opset(model, _MIN_OPSET, self._what)
        refuse_quantized(model, self._what)
        require_nodes(model, config.exclude, pass_name)
        self._op_types = require_op_types(config.op_types, [*QDQRegistry, *QLinearOpsRegistry], pass_name)
        write_types(model)
        self.model = model
        self.specs = [TensorSpec.from_json(spec) for spec in context.model.manifest["inputs"]]
        slot = context.slots["calibration"]
        assert isinstance(slot, DatasetFile)
        self.arrays = slot.arrays()
        samples = min(require_fit(self.arrays, self.specs, f"slot calibration of {self._what}"), config.max_samples)
        names = _activations(model, self._op_types)
        calibration = Calibration(model, names, self.arrays, samples, context.threads)
        self.samples = calibration.samples
        self._ranges = calibration.ranges(
            config.calibrator, config.percentile, config.activation_symmetric, config.activation_type == "uint8"
        )
        self.candidates = [node.name for node in model.graph.node if node.op_type in self._op_types]

    def quantized(self, exclude: Iterable[str]) -> onnx.ModelProto:
        """A quantized copy of the model, the nodes `exclude` in floating point."""
        copy = type(self.model)()
        copy.CopyFrom(self.model)
        return _insert_qdq(copy, self._ranges, self._op_types, self._config, sorted(exclude))

    def take(self, exclude: Iterable[str]) -> onnx.ModelProto:
        """The same without the copy: the quantizer is used up."""
        self.arrays = {}
        return _insert_qdq(self.model, self._ranges, self._op_types, self._config, sorted(exclude))

    def notes(self, model: onnx.ModelProto, exclude: Iterable[str]) -> dict[str, Any]:
        """What the manifest says of a model that was quantized. LeptonError where no node is."""
        quantized = _quantized_nodes(model, set(self.candidates) - set(exclude))
        if not quantized:
            fix = "Leave this pass out, or exclude less"
            raise LeptonError(self._what, "no node of the model can be quantized", fix)
        notes: dict[str, Any] = {
            "calibrator": self._config.calibrator,
            "samples": self.samples,
            "quantized": quantized,
            "excluded": sorted(exclude),
        }
        if self._config.calibrator == "Percentile":
            notes["percentile"] = self._config.percentile
        return notes


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
    model: onnx.ModelProto,
    ranges: dict[str, tuple[Any, Any]],
    op_types: list[str],
    config: QuantizeConfig,
    exclude: list[str],
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
            exclude,
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
