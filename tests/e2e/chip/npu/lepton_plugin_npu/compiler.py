"""The exporter `compile`: from a quantized ONNX graph to a program of integers.

A graph in QDQ form has a QuantizeLinear and a DequantizeLinear on every edge. A layer between a dequantized input and a
quantized output is one instruction; its three scales become one multiplier (Jacob et al., "Quantization and Training of
Neural Networks for Efficient Integer-Arithmetic-Only Inference", CVPR 2018, section 2.2).
"""

from __future__ import annotations

import math
from typing import Any, NoReturn

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from lepton_plugin_npu.chip import LANES
from lepton_plugin_npu.program import Instruction, Port, Program, write
from lepton_rules.plugin import ExportContext, LeptonError, ModelFacts

_WHAT = "exporter npu.compile"
_QUANTIZE = "Give the recipe onnx.quantize, and its options the values that the chip's target has for it"

Array = NDArray[Any]


def compile_network(context: ExportContext) -> ModelFacts:
    """Writes the program. LeptonError for what the chip cannot do, with the node that wants it."""
    model = onnx.load(context.model.path / "model.onnx")
    program = _Compiler(model.graph).program()
    write(program, context.output)
    return ModelFacts.from_manifest(context.model.manifest, notes={"instructions": len(program.instructions)})


def fixed_point(factor: float) -> tuple[int, int]:
    """Returns (multiplier, shift) with `factor` = multiplier / 2**shift, the multiplier of 31 bits."""
    fraction, exponent = math.frexp(factor)
    multiplier = round(fraction * (1 << 31))
    if multiplier == 1 << 31:
        multiplier, exponent = multiplier >> 1, exponent + 1
    return multiplier, 31 - exponent


class _Compiler:
    def __init__(self, graph: onnx.GraphProto) -> None:
        self._graph = graph
        self._constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        self._registers: dict[str, int] = {}  # of tensors in int8
        self._scales: dict[int, float] = {}  # of registers
        self._real: dict[str, int] = {}  # registers, of the tensors that they are dequantized into
        self._folded: dict[str, tuple[Array, float]] = {}  # dequantized constants: integers and their scale
        self._quantizers: dict[str, onnx.NodeProto] = {}
        for node in graph.node:
            if node.op_type == "QuantizeLinear":
                if node.input[0] in self._quantizers:
                    _refuse(node.input[0], "two nodes quantize it")
                self._quantizers[node.input[0]] = node

    def program(self) -> Program:
        inputs = []
        for value in self._graph.input:
            register, scale = self._quantized(value.name)
            inputs.append(Port(name=value.name, register=register, scale=scale))
        instructions = []
        for node in self._graph.node:
            if node.op_type == "DequantizeLinear":
                self._dequantize(node)
            elif node.op_type != "QuantizeLinear":
                instructions.append(self._layer(node))
        outputs = []
        for value in self._graph.output:
            if value.name not in self._real:
                _refuse(value.name, "it is an output in floating point")
            register = self._real[value.name]
            outputs.append(Port(name=value.name, register=register, scale=self._scales[register]))
        return Program(inputs=inputs, outputs=outputs, instructions=instructions)

    def _scale(self, node: onnx.NodeProto, integers: Array | None, dtypes: tuple[str, ...]) -> float:
        """The scale of a node that quantizes, or that dequantizes these integers, if the chip can have it."""
        if any(name not in self._constants for name in node.input[1:]):
            _refuse(node.name, "its scale is not a constant")
        scale = self._constants[node.input[1]]
        if len(node.input) > 2:
            zero = self._constants[node.input[2]]
        else:
            # https://onnx.ai/onnx/operators/onnx__QuantizeLinear.html
            zero = np.zeros(1, np.uint8 if integers is None else integers.dtype)
        if scale.size != 1:
            _refuse(node.name, f"it has {scale.size} scales, one for each channel, and the chip has one for a tensor")
        if zero.dtype.name not in dtypes or zero.any():
            allowed = " and ".join(dtypes)
            _refuse(
                node.name, f"it is {zero.dtype} around {int(zero.flat[0])}, and the chip computes in {allowed} around 0"
            )
        return float(scale.flat[0])

    def _quantized(self, name: str) -> tuple[int, float]:
        """The register of a tensor's quantized form, and its scale."""
        if name not in self._quantizers:
            _refuse(name, "it is in floating point")
        node = self._quantizers[name]
        scale = self._scale(node, None, ("int8",))
        register = self._registers.setdefault(node.output[0], len(self._registers))
        self._scales[register] = scale
        return register, scale

    def _dequantize(self, node: onnx.NodeProto) -> None:
        if node.input[0] in self._constants:
            integers = self._constants[node.input[0]]
            self._folded[node.output[0]] = (integers, self._scale(node, integers, ("int8", "int32")))
        else:
            self._real[node.output[0]] = self._registers[node.input[0]]

    def _layer(self, node: onnx.NodeProto) -> Instruction:
        if node.op_type not in _OPERATORS:
            _refuse(node.name, f"it is {node.op_type}, and the chip has {', '.join(sorted(_OPERATORS))}")
        op, allowed = _OPERATORS[node.op_type]
        attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        for name, value in attributes.items():
            if name not in allowed or (allowed[name] is not None and value != allowed[name]):
                _refuse(node.name, f"it has {name} = {value}")
        if node.input[0] not in self._real:
            _refuse(node.name, "its input is in floating point")
        source = self._real[node.input[0]]
        target, scale = self._quantized(node.output[0])
        factor = self._scales[source] / scale
        weight, bias = None, None
        if op in ("convolution", "dense"):
            weight, bias, weight_scale = self._weights(node, bool(attributes.get("transB", op == "convolution")))
            factor *= weight_scale
        if op == "convolution" and weight is not None and len(weight) % LANES:
            fix = "Put npu.pad_channels before onnx.quantize"
            _refuse(node.name, f"it has {len(weight)} channels, and the chip takes multiples of {LANES}", fix)
        multiplier, shift = fixed_point(factor)
        if not 0 < shift < 63:
            _refuse(node.name, f"its scales are a factor of {factor:g} apart")
        shape = {}
        if op in ("convolution", "pool"):
            shape["strides"] = list(attributes.get("strides", [1, 1]))
            shape["pads"] = list(attributes.get("pads", [0, 0, 0, 0]))
        if op == "pool":
            shape["kernel"] = list(attributes["kernel_shape"])
        return Instruction(
            op=op,
            source=source,
            target=target,
            multiplier=multiplier,
            shift=shift,
            shape=shape,
            weight=weight,
            bias=bias,
        )

    def _weights(self, node: onnx.NodeProto, rows_are_outputs: bool) -> tuple[Array, Array, float]:
        """Weight with the output's axis first, bias, and the weight's scale."""
        for name in node.input[1:]:
            if name not in self._folded:
                _refuse(node.name, f"{name!r} is not a constant in integers")
        weight, scale = self._folded[node.input[1]]
        if not rows_are_outputs:
            weight = weight.T
        bias = self._folded[node.input[2]][0] if len(node.input) > 2 else np.zeros(len(weight), np.int32)
        return weight, bias, scale


# Of each operator the instruction, and the attributes that it may have, with the value where there is a choice of one.
_OPERATORS: dict[str, tuple[str, dict[str, Any]]] = {
    "Conv": ("convolution", {"dilations": [1, 1], "group": 1, "kernel_shape": None, "pads": None, "strides": None}),
    "Flatten": ("flatten", {"axis": 1}),
    "Gemm": ("dense", {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": None}),
    "MaxPool": (
        "pool",
        {"dilations": [1, 1], "ceil_mode": 0, "kernel_shape": None, "pads": [0, 0, 0, 0], "strides": None},
    ),
    "Relu": ("relu", {}),
}


def _refuse(name: str, why: str, fix: str = _QUANTIZE) -> NoReturn:
    raise LeptonError(_WHAT, f"{name!r} of the network cannot be compiled: {why}", fix)
