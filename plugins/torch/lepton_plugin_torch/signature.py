"""A module's inputs, filled with samples, and its outputs, found by running the module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from lepton_plugin_torch.tensors import dtype_name, dtype_of
from lepton_rules.plugin import LeptonError, TensorSpec
from lepton_rules.plugin.signature import find_outputs


def samples(inputs: Sequence[TensorSpec], sizes: Mapping[str, int], seed: int = 0) -> tuple[torch.Tensor, ...]:
    """Inputs of these shapes from a seeded generator: normal numbers, and zeros and ones for integers and booleans.

    Integers are often indices (tokens, masks), of which only 0 and 1 are sure to be valid.
    """
    generator = torch.Generator().manual_seed(seed)
    found = []
    for spec in inputs:
        shape = [sizes[d] if isinstance(d, str) else d for d in spec.shape]
        dtype = dtype_of(spec.dtype)
        assert dtype is not None
        if dtype.is_floating_point or dtype.is_complex:
            found.append(torch.randn(shape, generator=generator).to(dtype))
        else:
            found.append(torch.randint(0, 2, shape, generator=generator).to(dtype))
    return tuple(found)


def named_outputs(result: object, names: Sequence[str]) -> dict[str, torch.Tensor]:
    """What a module gave, by name: a tensor, a tuple or list of them, or a dict.

    Raises:
        LeptonError: it is none of these, or not as many as there are names.
    """
    what = "outputs"
    if isinstance(result, Mapping):
        found: dict[Any, Any] = dict(result)
    else:
        values = list(result) if isinstance(result, tuple | list) else [result]
        if len(values) != len(names):
            raise LeptonError(
                what, f"forward gives {len(values)}, and {len(names)} are named", "Name each, in their order"
            )
        found = dict(zip(names, values, strict=True))
    for name, value in found.items():
        if not isinstance(value, torch.Tensor):
            kind = type(value).__name__
            raise LeptonError(what, f"forward gives a {kind} as {name!r}", "Give tensors, a tuple or a dict of them")
        if not isinstance(name, str) or not name:
            raise LeptonError(what, f"{name!r} is no name", "Name each output with a string")
    return found


def run(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...], names: Sequence[str]) -> dict[str, torch.Tensor]:
    """The module's outputs by name for these inputs.

    Raises:
        LeptonError: the module refuses them.
    """
    try:
        with torch.no_grad():
            result = module(*inputs)
    except Exception as error:  # the user's code may raise anything
        shapes = ", ".join(f"{dtype_name(t.dtype)}{list(t.shape)}" for t in inputs)
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise LeptonError(
            "inputs",
            f"forward fails on ({shapes}): {type(error).__name__}: {first}",
            "Declare the inputs as forward takes them",
        ) from error
    return named_outputs(result, names)


def output_specs(module: torch.nn.Module, inputs: Sequence[TensorSpec], names: Sequence[str]) -> tuple[TensorSpec, ...]:
    """The module's outputs, see `lepton_rules.plugin.signature.find_outputs`.

    Raises:
        LeptonError: the module refuses the inputs, or its outputs change in number or rank.
    """

    def run_on(sizes: Mapping[str, int]) -> list[TensorSpec]:
        found = run(module, samples(inputs, sizes), names)
        return [TensorSpec(name, dtype_name(tensor.dtype), tuple(tensor.shape)) for name, tensor in found.items()]

    return find_outputs(inputs, run_on)
