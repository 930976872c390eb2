"""The runtime `driver`: runs a program.

No NPU was ever made, so this computes what it would, in integers: the reference and the chip agree to the last bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from lepton_plugin_npu.chip import FORMAT
from lepton_plugin_npu.program import Instruction, read
from lepton_rules.plugin import LeptonError, RuntimeContext

_WHAT = "runtime npu.driver"
_TARGETS = ("npu_v1",)

Array = NDArray[Any]


class Driver:
    """A program, ready to run: `run` maps arrays by input name to arrays by output name, in floating point.

    LeptonError when the model is no program of this chip.
    """

    def __init__(self, context: RuntimeContext) -> None:
        manifest = context.model.manifest
        hardware = manifest.get("hardware") or {"target": "no chip"}
        if manifest["format"] != FORMAT:
            why = f"the model is {manifest['format']} for {hardware['target']}, and the chip runs its own programs"
            raise LeptonError(_WHAT, why, "Build the artifact with the hardware of the plugin npu")
        if hardware["target"] not in _TARGETS:
            why = f"the program is for {hardware['target']}, and this driver knows {', '.join(_TARGETS)}"
            raise LeptonError(_WHAT, why, "Build the artifact for one of them")
        self._program = read(context.model.path)

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """The outputs of one batch, float32."""
        registers = {}
        for port in self._program.inputs:
            scaled = np.rint(inputs[port.name] / np.float32(port.scale))
            registers[port.register] = np.clip(scaled, -128, 127).astype(np.int8)
        for one in self._program.instructions:
            registers[one.target] = _rescale(_OPS[one.op](registers[one.source], one), one.multiplier, one.shift)
        return {
            port.name: registers[port.register].astype(np.float32) * np.float32(port.scale)
            for port in self._program.outputs
        }

    def close(self) -> None:
        """Lets the program go."""
        del self._program


def _rescale(values: Array, multiplier: int, shift: int) -> Array:
    """`values * multiplier / 2**shift`, a half rounded up, saturated to int8."""
    product = values.astype(np.int64) * multiplier + (1 << (shift - 1))
    saturated: Array = np.clip(product >> shift, -128, 127).astype(np.int8)
    return saturated


def _windows(values: Array, one: Instruction, kernel: tuple[int, ...]) -> Array:
    """[samples, channels, height, width, *kernel]: what each place of the output sees."""
    top, left, bottom, right = one.shape["pads"]
    padded = np.pad(values, ((0, 0), (0, 0), (top, bottom), (left, right)))
    down, across = one.shape["strides"]
    return sliding_window_view(padded, kernel, axis=(2, 3))[:, :, ::down, ::across]


def _convolution(values: Array, one: Instruction) -> Array:
    assert one.weight is not None and one.bias is not None
    windows = _windows(values, one, one.weight.shape[2:])
    rows = windows.transpose(0, 2, 3, 1, 4, 5)
    samples, height, width = rows.shape[:3]
    rows = rows.reshape(samples * height * width, -1)
    sums: Array = rows.astype(np.int32) @ one.weight.reshape(len(one.weight), -1).T.astype(np.int32) + one.bias
    return sums.reshape(samples, height, width, -1).transpose(0, 3, 1, 2)


def _dense(values: Array, one: Instruction) -> Array:
    assert one.weight is not None and one.bias is not None
    sums: Array = values.astype(np.int32) @ one.weight.T.astype(np.int32) + one.bias
    return sums


def _relu(values: Array, one: Instruction) -> Array:
    return np.maximum(values, 0)


def _pool(values: Array, one: Instruction) -> Array:
    largest: Array = _windows(values, one, tuple(one.shape["kernel"])).max((4, 5))
    return largest


def _flatten(values: Array, one: Instruction) -> Array:
    return values.reshape(len(values), -1)


_OPS = {"convolution": _convolution, "dense": _dense, "flatten": _flatten, "pool": _pool, "relu": _relu}
