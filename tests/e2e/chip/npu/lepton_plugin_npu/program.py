"""A program of the NPU on disk: instructions in `program.json`, the integers that they read in `weights.bin`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lepton_rules.plugin import LeptonError

_VERSION = 1
_PROGRAM, _WEIGHTS = "program.json", "weights.bin"
_ALIGNMENT = 64  # bytes, of each block of weights

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Port:
    """An input or output: the real value is the register's integer times the scale."""

    name: str
    register: int
    scale: float


@dataclass(frozen=True, kw_only=True)
class Instruction:
    """One layer, from a register of int8 to another.

    Args:
        op: `convolution`, `dense`, `relu`, `pool` or `flatten`.
        source, target: registers.
        multiplier, shift: what turns its result into the target's scale: `(x * multiplier) >> shift`, rounded.
        shape: of the op, by name: `strides`, `pads` (top, left, bottom, right), `kernel`.
        weight: int8; [out, in, height, width] of a convolution, [out, in] of a dense layer.
        bias: int32 [out].
    """

    op: str
    source: int
    target: int
    multiplier: int
    shift: int
    shape: Mapping[str, Sequence[int]]
    weight: Array | None = None
    bias: Array | None = None


@dataclass(frozen=True, kw_only=True)
class Program:
    """Instructions in order. Registers are numbered from 0."""

    inputs: Sequence[Port]
    outputs: Sequence[Port]
    instructions: Sequence[Instruction]


def write(program: Program, directory: Path) -> None:
    """Writes a program; equal ones give equal bytes."""
    weights = bytearray()

    def place(array: Array | None) -> dict[str, Any] | None:
        if array is None:
            return None
        weights.extend(bytes(-len(weights) % _ALIGNMENT))
        entry = {"dtype": array.dtype.name, "offset": len(weights), "shape": list(array.shape)}
        weights.extend(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
        return entry

    text = {
        "version": _VERSION,
        "inputs": [vars(port) for port in program.inputs],
        "outputs": [vars(port) for port in program.outputs],
        "instructions": [
            {**vars(one), "weight": place(one.weight), "bias": place(one.bias)} for one in program.instructions
        ],
    }
    (directory / _PROGRAM).write_text(json.dumps(text, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    (directory / _WEIGHTS).write_bytes(weights)


def read(directory: Path) -> Program:
    """Reads a program. LeptonError where it is none, or one for another chip."""
    what = "program of the NPU"
    try:
        text = json.loads((directory / _PROGRAM).read_text("utf-8"))
        weights = (directory / _WEIGHTS).read_bytes()
        if text["version"] != _VERSION:
            why = f"it has version {text['version']}, and this driver runs version {_VERSION}"
            raise LeptonError(what, why, "Compile it again")

        def block(entry: Mapping[str, Any] | None) -> Array | None:
            if entry is None:
                return None
            dtype = np.dtype(entry["dtype"]).newbyteorder("<")
            count = int(np.prod(entry["shape"], dtype=np.int64))
            return np.frombuffer(weights, dtype, count, entry["offset"]).reshape(entry["shape"])

        return Program(
            inputs=[Port(**port) for port in text["inputs"]],
            outputs=[Port(**port) for port in text["outputs"]],
            instructions=[
                Instruction(**{**one, "weight": block(one["weight"]), "bias": block(one["bias"])})
                for one in text["instructions"]
            ],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LeptonError(what, f"it does not read ({error})", "Compile it again") from error
