"""Weight-only quantization: weights of 8 or 4 bits in blocks, computed with in floating point. No calibration data.

Round to nearest, a scale for each block (T. Dettmers and L. Zettlemoyer, "The case for 4-bit precision: k-bit Inference
Scaling Laws", 2022, section 2, block-wise quantization). Two forms: DequantizeLinear before what reads the weights,
which is standard ONNX from operator set 21 on, or onnxruntime's own operators in the place of matrix products
(MatMulNBits) and of look-ups (GatherBlockQuantized), which read the integers as they are. In the standard form a
look-up of 8 bits takes the rows first and dequantizes those; ONNX looks up no integers of 4 bits.
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
    supported = ("Gather", "Gemm", "MatMul") if products else _SUPPORTED
    for name in config.op_types:
        if products and name in _SUPPORTED and name not in supported:
            why = (
                f"op_types names {name!r}, and onnxruntime has no operator of its own that reads its weights in blocks"
            )
            raise LeptonError(_WHAT, why, 'Set form = "qdq"')
    op_types = require_op_types(config.op_types, supported, "quantize_weights")
    before = _bytes(model)
    if products and "Gemm" in op_types:
        gemm_to_matmul(model, set(config.exclude))
    wanted = {"MatMul" if products and op == "Gemm" else op for op in op_types}
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
        self._done: dict[tuple[str, int, bool], tuple[list[str], float]] = {}
        self._new_nodes: list[onnx.NodeProto] = []
        self._after: dict[str, list[onnx.NodeProto]] = {}  # node to what comes behind it

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
        if node.op_type == "Gather" and (why := self._why_no_table(node, dims[1])):
            self.left[node.name] = why
            return
        key = (name, axis, node.op_type == "Gather")
        if key not in self._done:
            self._done[key] = self._replace(*key)
        names, ratio = self._done[key]
        self.quantized[node.name] = ratio
        if node.op_type == "Gather" and len(names) > 1:
            self._look_up(node, names)
        elif self._config.form == "matmul_nbits":
            attributes: dict[str, Any] = {"K": dims[0], "N": dims[1]}
            if self._config.accuracy_level:
                attributes["accuracy_level"] = self._config.accuracy_level
            self._become(node, "MatMulNBits", [node.input[0], *names], attributes)
        else:
            self._constants.redirect(node, place, names[0])

    def _become(self, node: onnx.NodeProto, op_type: str, inputs: list[str], attributes: dict[str, Any]) -> None:
        """Makes one of onnxruntime's own operators of a node."""
        from onnx import helper

        for place, name in enumerate(node.input):
            if name in self._constants and name not in inputs:
                self._constants.redirect(node, place, inputs[0])
        sizes: dict[str, Any] = {"bits": self._config.bits, "block_size": self._config.block_size}
        new = helper.make_node(op_type, inputs, node.output, node.name, domain="com.microsoft", **sizes, **attributes)
        node.CopyFrom(new)

    def _look_up(self, node: onnx.NodeProto, names: list[str]) -> None:
        """Looks the integers up instead of the weights."""
        from onnx import helper

        indices, output = node.input[1], node.output[0]
        if self._config.form == "matmul_nbits":
            inputs = [names[0], indices, *names[1:]]
            self._become(node, "GatherBlockQuantized", inputs, {"gather_axis": 0, "quantize_axis": 1})
            return
        self._constants.redirect(node, 0, names[0])
        node.output[0] = f"{output}_{names[0]}"
        looked_up = [node.output[0]]
        for name in names[1:]:
            looked_up.append(f"{output}_{name}")
            self._after.setdefault(node.name, []).append(
                helper.make_node("Gather", [name, indices], [looked_up[-1]], looked_up[-1], axis=0)
            )
        attributes: dict[str, Any] = {"axis": -1, "block_size": self._config.block_size}
        self._after.setdefault(node.name, []).append(
            helper.make_node("DequantizeLinear", looked_up, [output], f"{output}_dequantized", **attributes)
        )

    def finish(self) -> None:
        """Puts the new nodes in front, and names the operator set that they are of."""
        nodes = [*self._new_nodes]
        for node in self._model.graph.node:
            nodes += [node, *self._after.get(node.name, [])]
        copies = [type(node).FromString(node.SerializeToString()) for node in nodes]
        del self._model.graph.node[:]
        self._model.graph.node.extend(copies)
        if self._config.form == "matmul_nbits" and "com.microsoft" not in {o.domain for o in self._model.opset_import}:
            self._model.opset_import.add(domain="com.microsoft", version=1)

    def _why_no_table(self, node: onnx.NodeProto, width: int) -> str:
        """Why a look-up cannot take integers in this form; nothing where it can."""
        axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 0)
        if axis:
            return f"it looks up along axis {axis}"
        if self._config.form == "matmul_nbits" and self._config.bits == 4 and width % 2:
            return f"rows of {width} values do not fill whole bytes"
        return ""

    def _finite(self, name: str) -> bool:
        """Whether the weights are; a NaN or an infinity shows in the extremes."""
        import numpy as np

        values = self._constants.values(name)
        return bool(np.isfinite(values.min()) and np.isfinite(values.max())) if values.size else False

    def _replace(self, name: str, axis: int, table: bool) -> tuple[list[str], float]:
        """Quantizes one constant: the values that stand for it, and the ratio."""
        import numpy as np

        config = self._config
        weights = np.moveaxis(self._constants.values(name), axis, 0)
        shape = weights.shape
        blocks = quantize_blocks(weights.reshape(shape[0], -1), config.bits, config.block_size, config.symmetric)
        ratio = 10 * math.log10(blocks.power / blocks.error) if blocks.error else math.inf
        ratio = round(min(ratio, 999.0), 2)
        if table and config.form == "qdq" and config.bits == 8:
            turned = [blocks.values.T, blocks.scales.T, *([] if blocks.zero_points is None else [blocks.zero_points.T])]
            bases = (f"{name}_q8", f"{name}_scales", f"{name}_zero_points")
            arrays = zip(bases, turned, strict=False)
            return [self._constants.add(base, np.ascontiguousarray(array)) for base, array in arrays], ratio
        if config.form == "matmul_nbits":
            packed, scales, zeros = pack_columns(blocks, config.bits, config.block_size)
            if table:
                packed = np.ascontiguousarray(packed.reshape(len(packed), -1)[:, : shape[0] * config.bits // 8])
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
