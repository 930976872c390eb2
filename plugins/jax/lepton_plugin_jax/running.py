"""Runs a function on samples: what its outputs are, and what they should be in ONNX; and counts what it costs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lepton_plugin_jax.libraries import jax
from lepton_plugin_jax.program import Array, Function
from lepton_rules.plugin import LeptonError, TensorSpec
from lepton_rules.plugin.errors import reason
from lepton_rules.plugin.signature import find_outputs


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
    """The outputs, see `lepton_rules.plugin.signature.find_outputs`."""

    def run_on(sizes: Mapping[str, int]) -> list[TensorSpec]:
        found = run(function, samples(inputs, sizes, 0), names)
        return [TensorSpec(name, array.dtype.name, array.shape) for name, array in found.items()]

    return find_outputs(inputs, run_on)


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
