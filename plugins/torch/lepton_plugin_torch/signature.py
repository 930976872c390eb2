"""A module's inputs and outputs: read from text, filled with samples, and found by running the module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from lepton_plugin_torch.tensors import dtype_name, dtype_of
from lepton_rules.plugin import LeptonError, TensorSpec
from lepton_rules.plugin.names import suggestion

_LENGTH_LIMIT = 1 << 31
_FIX = "Write it as `name:dtype:shape`, such as `image:float32:batch,3,32,32`"
# Lengths that stand for the named dimensions when a module is run to see which of them reach its outputs. The first
# axis, the sample, may have any length; other named axes get lengths that most networks can halve a few times.
_SAMPLES = (2, 3)
_OTHERS = (32, 48)


def parse_input(text: str) -> TensorSpec:
    """The input that `name:dtype:shape` describes.

    Raises:
        LeptonError: it is no such text.
    """
    what = f"input {text!r}"
    parts = text.split(":")
    if len(parts) != 3:
        raise LeptonError(what, f"it has {len(parts)} parts between colons, accepted are 3", _FIX)
    name, dtype, shape = (part.strip() for part in parts)
    if not name.isidentifier():
        raise LeptonError(what, f"{name!r} is no name", _FIX)
    if dtype_of(dtype) is None:
        known = ("bool", "float16", "bfloat16", "float32", "float64", "int8", "uint8", "int32", "int64")
        raise LeptonError(what, f"its dtype is {dtype!r}", suggestion(dtype, known))
    return TensorSpec(name, dtype, tuple(_dimension(part.strip(), what) for part in shape.split(",") if shape))


def _dimension(text: str, what: str) -> int | str:
    if text.isascii() and text.isdigit():
        if not 0 < int(text[:12]) < _LENGTH_LIMIT:
            raise LeptonError(what, f"its dimension {text} is not from 1 to {_LENGTH_LIMIT - 1}", _FIX)
        return int(text)
    if not text.isidentifier() or not text.isascii():
        raise LeptonError(what, f"its dimension {text!r} is neither a length nor a name", _FIX)
    return text


def parse_inputs(texts: Sequence[str]) -> tuple[TensorSpec, ...]:
    """The inputs that the texts describe.

    Raises:
        LeptonError: there is none, one is no `name:dtype:shape`, or a name is there twice.
    """
    inputs = tuple(parse_input(text) for text in texts)
    names = [spec.name for spec in inputs]
    if not names:
        raise LeptonError("inputs", "there is none", _FIX)
    for name in names:
        if names.count(name) > 1:
            raise LeptonError("inputs", f"two are named {name!r}", "Give each its own name")
    return inputs


def lengths(inputs: Sequence[TensorSpec], choice: int) -> dict[str, int]:
    """A length for each named dimension: `choice` 0 or 1 gives two that differ in each of them."""
    found: dict[str, int] = {}
    for spec in inputs:
        for axis, dimension in enumerate(spec.shape):
            if isinstance(dimension, str):
                found.setdefault(dimension, (_OTHERS if axis else _SAMPLES)[choice] + 16 * (len(found) if axis else 0))
    return found


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
    """The module's outputs, found by running it on two choices of lengths.

    A dimension that is as long as a named one in both runs has its name; one that differs in another way gets a name
    of its own; one that stays is a length.

    Raises:
        LeptonError: the module refuses the inputs, or its outputs change in number or rank.
    """
    sizes = [lengths(inputs, choice) for choice in (0, 1)]
    runs = [run(module, samples(inputs, size), names) for size in sizes]
    specs = []
    for name, first in runs[0].items():
        second = runs[1].get(name)
        if second is None or second.ndim != first.ndim or len(runs[0]) != len(runs[1]):
            raise LeptonError("outputs", f"{name!r} changes with the inputs' lengths", "Give outputs of a fixed rank")
        shape: list[int | str] = []
        for axis, pair in enumerate(zip(first.shape, second.shape, strict=True)):
            symbols = [symbol for symbol in sizes[0] if (sizes[0][symbol], sizes[1][symbol]) == pair]
            shape.append(symbols[0] if symbols else pair[0] if pair[0] == pair[1] else f"{name}_{axis}")
        specs.append(TensorSpec(name, dtype_name(first.dtype), tuple(shape)))
    return tuple(specs)
