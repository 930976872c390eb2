"""Weight-only quantization: weights of 8 or 4 bits in blocks, computed with in floating point. No calibration data.

Round to nearest, a scale for each block (T. Dettmers and L. Zettlemoyer, "The case for 4-bit precision: k-bit Inference
Scaling Laws", 2022, section 2, block-wise quantization). Two forms: DequantizeLinear before what reads the weights,
which is standard ONNX from operator set 21 on, or onnxruntime's MatMulNBits in the place of matrix products.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from lepton_plugin_onnx.blocks import Blocks, pack_columns, pack_nibbles, quantize_blocks
from lepton_plugin_onnx.constants import Constants
from lepton_plugin_onnx.files import read_model
from lepton_plugin_onnx.finish import finish
from lepton_plugin_onnx.linear import gemm_to_matmul
from lepton_plugin_onnx.opset import raise_opset
from lepton_plugin_onnx.quantize import refuse_quantized
from lepton_plugin_onnx.selection import require_nodes, require_op_types
from lepton_rules.plugin import LeptonError, ModelFacts, PassContext

if TYPE_CHECKING:
    import numpy as np
    import onnx

    from lepton_plugin_onnx.configs import QuantizeWeightsConfig

    Array = np.ndarray[Any, Any]

_WHAT = "pass onnx.quantize_weights"
_SUPPORTED = ("Attention", "Conv", "ConvTranspose", "Gather", "Gemm", "MatMul")
_BLOCKED_OPSET, _BLOCKED_IR = 21, 10  # the first with blocks, and with 4 bits
_LEAST_ROWS = 16  # of shorter blocks the scales take more than the bits save


def quantize_weights(context: PassContext) -> ModelFacts:
    """Writes the model with quantized weights. LeptonError where a name is unknown, nothing can be quantized, or it is
    quantized already. What is left in floating point, and why, stands in the notes."""
    config: QuantizeWeightsConfig = context.config
    products = config.form == "matmul_nbits"
    model = read_model(context.model.path)
    if not products:
        raise_opset(model, _BLOCKED_OPSET, _WHAT)
        model.ir_version = max(model.ir_version, _BLOCKED_IR)
    refuse_quantized(model, _WHAT)
    require_nodes(model, config.exclude, "quantize_weights")
    supported = ("Gemm", "MatMul") if products else _SUPPORTED
    op_types = require_op_types(config.op_types, supported, "quantize_weights")
    before = _bytes(model)
    if products and "Gemm" in op_types:
        gemm_to_matmul(model, set(config.exclude))
    wanted = {"MatMul"} if products else set(op_types)
    editor = _Editor(model, config)
    for node in [node for node in model.graph.node if node.op_type in wanted]:
        if node.name in config.exclude:
            editor.left[node.name] = "it is excluded"
        else:
            editor.quantize(node)
    if not editor.quantized:
        raise LeptonError(
            _WHAT, f"the model has no {' or '.join(op_types)} whose weights can be quantized", "Leave this pass out"
        )
    editor.finish()
    notes = {
        "bits": config.bits,
        "block_size": config.block_size,
        "quantized": editor.quantized,
        "left": editor.left,
        "weights_bytes_before": before,
        "weights_bytes_after": _bytes(model),
    }
    return finish(model, context.output, notes)


def _bytes(model: onnx.ModelProto) -> int:
    return sum(len(tensor.raw_data) for tensor in model.graph.initializer)


class _Editor:
    """Quantizes the weights of one node after another; weights that several read are quantized once."""

    def __init__(self, model: onnx.ModelProto, config: QuantizeWeightsConfig) -> None:
        self.quantized: dict[str, float] = {}  # node to the weights' signal-to-noise ratio in dB
        self.left: dict[str, str] = {}
        self._model = model
        self._config = config
        self._constants = Constants(model.graph)
        self._done: dict[tuple[str, int], tuple[list[str], float]] = {}
        self._new_nodes: list[onnx.NodeProto] = []

    def quantize(self, node: onnx.NodeProto) -> None:
        from onnx import TensorProto

        place = 0 if node.op_type == "Gather" else 1
        name = node.input[place]
        if name not in self._constants:
            self.left[node.name] = "its weights are no constant"
            return
        dims = self._constants.dims(name)
        if self._constants.element_type(name) != TensorProto.FLOAT:
            self.left[node.name] = "its weights are not float32"
            return
        axis = _axis(node, len(dims))
        if axis is None:
            self.left[node.name] = f"its weights have rank {len(dims)}"
            return
        if dims[axis] < _LEAST_ROWS:
            self.left[node.name] = f"a block would have {dims[axis]} weights, at least {_LEAST_ROWS} are worth a scale"
            return
        if not self._finite(name):
            self.left[node.name] = "its weights are not all finite"
            return
        if (name, axis) not in self._done:
            self._done[name, axis] = self._replace(name, axis)
        names, ratio = self._done[name, axis]
        self.quantized[node.name] = ratio
        self._constants.redirect(node, place, names[0])
        if self._config.form == "qdq":
            return
        attributes: dict[str, Any] = {
            "K": dims[0],
            "N": dims[1],
            "bits": self._config.bits,
            "block_size": self._config.block_size,
        }
        if self._config.accuracy_level:
            attributes["accuracy_level"] = self._config.accuracy_level
        from onnx import helper

        inputs = [node.input[0], *names]
        node.CopyFrom(
            helper.make_node("MatMulNBits", inputs, node.output, node.name, domain="com.microsoft", **attributes)
        )

    def finish(self) -> None:
        """Puts the new nodes in front, and names the operator set that they are of."""
        for index, node in enumerate(self._new_nodes):
            self._model.graph.node.insert(index, node)
        if self._config.form == "matmul_nbits" and "com.microsoft" not in {o.domain for o in self._model.opset_import}:
            self._model.opset_import.add(domain="com.microsoft", version=1)

    def _finite(self, name: str) -> bool:
        """Whether the weights are; a NaN or an infinity shows in the extremes."""
        import numpy as np

        values = self._constants.values(name)
        return bool(np.isfinite(values.min()) and np.isfinite(values.max())) if values.size else False

    def _replace(self, name: str, axis: int) -> tuple[list[str], float]:
        """Quantizes one constant: the values that stand for it, and the ratio."""
        import numpy as np

        config = self._config
        weights = np.moveaxis(self._constants.values(name), axis, 0)
        shape = weights.shape
        blocks = quantize_blocks(weights.reshape(shape[0], -1), config.bits, config.block_size, config.symmetric)
        ratio = 10 * math.log10(blocks.power / blocks.error) if blocks.error else math.inf
        ratio = round(min(ratio, 999.0), 2)
        if config.form == "matmul_nbits":
            packed, scales, zeros = pack_columns(blocks, config.bits, config.block_size)
            names = [
                self._constants.add(f"{name}_q{config.bits}", packed),
                self._constants.add(f"{name}_scales", scales),
            ]
            if zeros is not None:
                names.append(self._constants.add(f"{name}_zero_points", zeros))
            return names, ratio
        return [self._dequantize(name, blocks, axis, shape)], ratio

    def _dequantize(self, name: str, blocks: Blocks, axis: int, shape: tuple[int, ...]) -> str:
        import numpy as np
        from onnx import helper

        def turned(array: Array) -> Array:
            return np.ascontiguousarray(np.moveaxis(array.reshape(len(array), *shape[1:]), 0, axis))

        inputs = [
            self._add_integers(f"{name}_q{self._config.bits}", turned(blocks.values)),
            self._constants.add(f"{name}_scales", turned(blocks.scales)),
        ]
        if blocks.zero_points is not None:
            inputs.append(self._add_integers(f"{name}_zero_points", turned(blocks.zero_points)))
        output = f"{name}_dequantized"
        attributes: dict[str, Any] = {"axis": axis, "block_size": self._config.block_size}
        self._new_nodes.append(helper.make_node("DequantizeLinear", inputs, [output], output, **attributes))
        return output

    def _add_integers(self, name: str, values: Array) -> str:
        from onnx import TensorProto, helper

        if self._config.bits == 8:
            return self._constants.add(name, values)
        kind = TensorProto.INT4 if values.dtype.kind == "i" else TensorProto.UINT4
        return self._constants.add_tensor(helper.make_tensor(name, kind, values.shape, pack_nibbles(values), raw=True))


def _axis(node: onnx.NodeProto, rank: int) -> int | None:
    """The axis of the weights that blocks go along: the one that is summed over, or the row of a table."""
    transposed = any(attribute.name == "transB" and attribute.i for attribute in node.attribute)
    if node.op_type == "Gather":
        return 1 if rank == 2 else None
    if node.op_type in ("Conv", "ConvTranspose"):
        return (1 if node.op_type == "Conv" else 0) if rank > 2 else None
    if node.op_type == "Gemm":
        return 1 if transposed else 0
    return 0 if rank == 2 else None
