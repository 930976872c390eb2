"""A model's inputs and outputs: inputs read from text, and outputs found by running the model on two choices of
lengths."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from lepton_rules.plugin.errors import LeptonError
from lepton_rules.plugin.facts import TensorSpec
from lepton_rules.plugin.names import suggestion

_LENGTH_LIMIT = 1 << 31
_FIX = "Write it as `name:dtype:shape`, such as `image:float32:batch,3,32,32`"
# Lengths that stand for the named dimensions when a model is run to see which of them reach its outputs. The first
# axis, the sample, may have any length; other named axes get lengths that most networks can halve a few times.
_SAMPLES = (2, 3)
_OTHERS = (32, 48)


def parse_inputs(texts: Sequence[str], dtypes: Collection[str]) -> tuple[TensorSpec, ...]:
    """The inputs that texts `name:dtype:shape` describe.

    Args:
        texts: one for each input; a shape's dimension is a length, or a name where it is known only at run time.
        dtypes: what the framework has, in numpy's names.

    Raises:
        LeptonError: there is none, one is no such text, or a name is there twice.
    """
    inputs = tuple(_parse_input(text, dtypes) for text in texts)
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


def find_outputs(
    inputs: Sequence[TensorSpec], run: Callable[[Mapping[str, int]], Sequence[TensorSpec]]
) -> tuple[TensorSpec, ...]:
    """The outputs, found by two runs.

    A dimension that is as long as a named one in both runs has its name; one that differs in another way gets a name
    of its own; one that stays is a length.

    Args:
        inputs: the model's.
        run: what the model gives when its named dimensions have these lengths, each dimension a length.

    Raises:
        LeptonError: the outputs change in number, name or rank; or whatever `run` raises.
    """
    sizes = [lengths(inputs, choice) for choice in (0, 1)]
    firsts, seconds = ({spec.name: spec for spec in run(size)} for size in sizes)
    specs = []
    for name, first in firsts.items():
        second = seconds.get(name)
        if second is None or len(second.shape) != len(first.shape) or len(firsts) != len(seconds):
            raise LeptonError("outputs", f"{name!r} changes with the inputs' lengths", "Give outputs of a fixed rank")
        shape: list[int | str] = []
        for axis, pair in enumerate(zip(first.shape, second.shape, strict=True)):
            symbols = [symbol for symbol in sizes[0] if (sizes[0][symbol], sizes[1][symbol]) == pair]
            shape.append(symbols[0] if symbols else pair[0] if pair[0] == pair[1] else f"{name}_{axis}")
        specs.append(TensorSpec(name, first.dtype, tuple(shape)))
    return tuple(specs)


def _parse_input(text: str, dtypes: Collection[str]) -> TensorSpec:
    what = f"input {text!r}"
    parts = text.split(":")
    if len(parts) != 3:
        raise LeptonError(what, f"it has {len(parts)} parts between colons, accepted are 3", _FIX)
    name, dtype, shape = (part.strip() for part in parts)
    if not name.isidentifier():
        raise LeptonError(what, f"{name!r} is no name", _FIX)
    if dtype not in dtypes:
        raise LeptonError(what, f"its dtype is {dtype!r}", suggestion(dtype, dtypes))
    return TensorSpec(name, dtype, tuple(_dimension(part.strip(), what) for part in shape.split(",") if shape))


def _dimension(text: str, what: str) -> int | str:
    if text.isascii() and text.isdigit():
        if not 0 < int(text[:12]) < _LENGTH_LIMIT:
            raise LeptonError(what, f"its dimension {text} is not from 1 to {_LENGTH_LIMIT - 1}", _FIX)
        return int(text)
    if not text.isidentifier() or not text.isascii():
        raise LeptonError(what, f"its dimension {text!r} is neither a length nor a name", _FIX)
    return text
