"""What a runtime may offer beside `run`, so that its models can be looked into: a profiler.

A runtime's class names its profiler in the attribute `profiler`, as "module:attribute"; a runtime without one is still
timed as a whole, and its memory measured. A profiler is made with a RuntimeContext and runs like the runtime itself.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from lepton_rules.plugin.contexts import ModelDirectory, RuntimeContext
from lepton_rules.plugin.errors import LeptonError

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]


@dataclass(frozen=True, kw_only=True)
class Event:
    """One execution of one operator.

    Attributes:
      run: which inference it belongs to, counted from 0.
      node: the node's name in the graph that the runtime made.
      layer: the node's name in the model's file, where the runtime keeps it.
      operator: its type, such as "QLinearConv".
      place: what ran it, such as "CPUExecutionProvider".
      precision: "float32", "float16", "bfloat16", "int8" or "int4": what it multiplies; "" where it multiplies nothing.
      start_ns, duration_ns: since the profiler was made.
      operations: multiplications and additions that its shapes ask for, None where nobody knows.
      moved_bytes: inputs, constants and outputs, each once.
      constant_bytes: those of them that are weights.
    """

    run: int
    node: str
    layer: str
    operator: str
    place: str
    precision: str
    start_ns: int
    duration_ns: int
    operations: int | None
    moved_bytes: int
    constant_bytes: int


@dataclass(frozen=True, kw_only=True)
class Peaks:
    """What the machine can do at its best, by the runtime's own kernels.

    Attributes:
      operations: operations a second of a large matrix product, by precision.
      bandwidth: pairs of (bytes moved by one operator, bytes a second), the smallest first: a small operator lives in
        a cache.
    """

    operations: Mapping[str, float]
    bandwidth: Sequence[tuple[int, float]]


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A layer with weights, as it stands in the model's file.

    Attributes:
      name: its node's.
      operator: its type, such as "Conv".
      weights: how many.
      precision: as `Event.precision`: what the file asks for.
    """

    name: str
    operator: str
    weights: int
    precision: str


@dataclass(frozen=True, kw_only=True)
class Sensitivity:
    """What happens to the model's outputs when one layer alone is quantized to 8 bits.

    Attributes:
      layer: its name.
      sqnr_db: 10 log10 of the outputs' power over that of their change; less is worse, at most 200.
    """

    layer: str
    sqnr_db: float


class Profiler(Protocol):
    """A runtime that keeps a record of every operator."""

    def __init__(self, context: RuntimeContext) -> None: ...

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """The outputs for one batch."""

    def finish(self) -> list[Event]:
        """Closes the session; every operator of every run, in the order of time."""

    @staticmethod
    def peaks(context: RuntimeContext) -> Peaks:
        """What the machine can do with the context's chip and threads, measured now, in this process."""

    @staticmethod
    def layers(model: ModelDirectory) -> list[Layer]:
        """The layers with weights, in the graph's order."""

    @staticmethod
    def sensitivity(model: ModelDirectory, inputs: Mapping[str, Array], threads: int) -> list[Sensitivity]:
        """Of each layer in floating point of a model, on samples, the worst first."""


def profiler_of(runtime: object) -> type[Profiler] | None:
    """The profiler that a runtime's class names, or None.

    Raises:
      LeptonError: it names what is not there.
    """
    name = getattr(runtime, "profiler", None)
    if name is None:
        return None
    module, _, attribute = str(name).partition(":")
    try:
        found: type[Profiler] = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise LeptonError(
            "profiler", f"the runtime names {name!r}, which is not there ({error})", "Mend the plugin"
        ) from error
    return found
