"""Runs a function on samples: what its outputs are, and what they should be in ONNX; and counts what it costs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lepton_plugin_jax.libraries import jax
from lepton_plugin_jax.program import Array, Function
from lepton_rules.plugin import LeptonError, TensorSpec

# Lengths of the named dimensions in the two runs that tell what depends on which.
_SAMPLES, _OTHERS = (2, 3), (32, 48)


def lengths(inputs: Sequence[TensorSpec], choice: int) -> dict[str, int]:
    """A length for each named dimension; `choice` 0 and 1 differ in each."""
    found: dict[str, int] = {}
    for spec in inputs:
        for axis, dimension in enumerate(spec.shape):
            if isinstance(dimension, str):
                found.setdefault(dimension, (_OTHERS if axis else _SAMPLES)[choice] + 16 * (len(found) if axis else 0))
    return found


def samples(inputs: Sequence[TensorSpec], sizes: Mapping[str, int], seed: int) -> list[Array]:
    """Seeded inputs: normal numbers, and zeros and ones for integers and booleans, which may be indices."""
    generator = np.random.default_rng(seed)
    found = []
    for spec in inputs:
        shape = [sizes[d] if isinstance(d, str) else d for d in spec.shape]
        floating = spec.dtype.startswith("float")
        values = generator.standard_normal(shape) if floating else generator.integers(0, 2, shape)
        found.append(np.asarray(values).astype(spec.dtype))
    return found


def run(function: Function, arrays: Sequence[Array], names: Sequence[str]) -> dict[str, Array]:
    """The function's outputs by name. LeptonError where it refuses the inputs or gives something else."""
    try:
        result = function(*arrays)
    except Exception as error:  # the user's code may raise anything
        shapes = ", ".join(f"{array.dtype}{list(array.shape)}" for array in arrays)
        raise LeptonError(
            "inputs", f"the function fails on ({shapes}): {reason(error)}", "Declare the inputs as it takes them"
        ) from error
    return {name: np.asarray(value) for name, value in named(result, names).items()}


def named(result: Any, names: Sequence[str]) -> dict[str, Any]:
    """What a function gave, by name: an array, a tuple or list of them, or a dict. LeptonError for anything else."""
    if isinstance(result, Mapping):
        found = {str(name): value for name, value in sorted(result.items())}
    else:
        values = list(result) if isinstance(result, tuple | list) else [result]
        if len(values) != len(names):
            raise LeptonError(
                "outputs", f"the function gives {len(values)}, and {len(names)} are named", "Name each, in their order"
            )
        found = dict(zip(names, values, strict=True))
    for name, value in found.items():
        if not isinstance(value, np.ndarray | jax.Array):
            kind = type(value).__name__
            raise LeptonError("outputs", f"the function gives a {kind} as {name!r}", "Give arrays, by place or by name")
    return found


def output_specs(function: Function, inputs: Sequence[TensorSpec], names: Sequence[str]) -> tuple[TensorSpec, ...]:
    """The outputs, found by two runs: a dimension that is as long as a named one in both has its name."""
    sizes = [lengths(inputs, choice) for choice in (0, 1)]
    first, second = (run(function, samples(inputs, size, 0), names) for size in sizes)
    specs = []
    for name, array in first.items():
        other = second.get(name)
        if other is None or other.ndim != array.ndim:
            raise LeptonError("outputs", f"{name!r} changes with the inputs' lengths", "Give outputs of a fixed rank")
        shape: list[int | str] = []
        for axis, pair in enumerate(zip(array.shape, other.shape, strict=True)):
            symbols = [symbol for symbol in sizes[0] if (sizes[0][symbol], sizes[1][symbol]) == pair]
            shape.append(symbols[0] if symbols else pair[0] if pair[0] == pair[1] else f"{name}_{axis}")
        specs.append(TensorSpec(name, array.dtype.name, tuple(shape)))
    return tuple(specs)


def count_macs(function: Function, inputs: Sequence[TensorSpec]) -> int | None:
    """Multiply-accumulates of one sample: those of matrix products and convolutions.

    None where a dimension other than the leading one is known only at run time, or there is a loop.
    """
    leading = {spec.shape[0] for spec in inputs if spec.shape}
    if len(leading) != 1 or any(isinstance(d, str) for spec in inputs for d in spec.shape[1:]):
        return None
    batch = next(iter(leading))
    rows = batch if isinstance(batch, int) else 1
    given = [jax.ShapeDtypeStruct((rows, *spec.shape[1:]), spec.dtype) for spec in inputs]
    total = _macs(jax.make_jaxpr(function)(*given).jaxpr)
    return None if total is None else total // rows


def _macs(jaxpr: Any) -> int | None:
    total = 0
    for equation in jaxpr.eqns:
        name, output = equation.primitive.name, equation.outvars[0].aval
        if name in ("while", "scan", "cond"):
            return None
        if name == "dot_general":
            (contracted, _), _ = equation.params["dimension_numbers"]
            shape = equation.invars[0].aval.shape
            total += math.prod(output.shape) * math.prod(shape[axis] for axis in contracted)
        elif name == "conv_general_dilated":
            kernel = equation.invars[1].aval.shape
            channels = kernel[equation.params["dimension_numbers"].rhs_spec[0]]
            total += math.prod(output.shape) * math.prod(kernel) // channels
        else:
            for value in equation.params.values():
                inner = getattr(value, "jaxpr", value)
                if hasattr(inner, "eqns"):
                    below = _macs(inner)
                    if below is None:
                        return None
                    total += below
    return total


def reason(error: BaseException) -> str:
    """An exception in one short line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__
