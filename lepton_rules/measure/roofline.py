"""The time that no program on this machine can beat: what is faster did not do the work.

Method: S. Williams, A. Waterman, D. Patterson, Roofline: an insightful visual performance model for multicore
architectures, Comm. ACM 52 (2009). An inference does the manifest's multiplications and reads its weights; the machine
multiplies and reads at a peak that is measured here, in the process that measured the model and with its threads. The
roof is only used to disbelieve, so everything in it errs towards believing:

- the peak of arithmetic is that of float32 matrices times 4, as much as VNNI's int8 gives over float32 and Winograd's
  convolutions save (A. Lavin, S. Gray, 2016); times 32 where the CPU has AMX;
- weights count as read only where no input holds integers: those look rows up in tables whose other rows stay unread;
- both peaks are the best of several and are raised by a quarter.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lepton_rules.plugin.contexts import HardwareFacts
from lepton_rules.plugin.descriptors import Target

SLACK = 1.25
_NARROW = 4
_AMX = 32
_SIDE = 384
_ROUNDS = 6
_LARGEST = 256 << 20


@dataclass(frozen=True, kw_only=True)
class Peaks:
    """What this machine did at best: multiply-accumulates a second in float32, and bytes a second read and written in
    a working set of the size of the model."""

    macs_per_s: float
    bytes_per_s: float


@dataclass(frozen=True, kw_only=True)
class Roof:
    """The least time of one inference of a batch, in milliseconds, and the peaks that it follows from."""

    least_ms: float
    bound: str
    peaks: Peaks

    def log(self) -> dict[str, Any]:
        """As measurement.json shows it."""
        return {
            "least_ms": self.least_ms,
            "bound": self.bound,
            "macs_per_s": self.peaks.macs_per_s,
            "bytes_per_s": self.peaks.bytes_per_s,
        }


def applies(target: Target | None, hardware: HardwareFacts | None) -> bool:
    """Whether a model on this target is bounded by the CPU's peaks: the target, or the chip that it needs, is called
    after a CPU. Others have peaks that nothing here can measure.
    """
    names = [hardware.target if hardware else "cpu", target.available if target else ""]
    return any(name.startswith("cpu") for name in names)


def measure_peaks(threads: int, model_bytes: int) -> Peaks:
    """Measures both, in about 50 ms for a small model.

    Args:
      threads: of one inference; the matrix library of this process has as many.
      model_bytes: how much the model holds: what fits in a cache is read from it.
    """
    import numpy

    matrix = numpy.ones((_SIDE, _SIDE), numpy.float32)
    result = numpy.empty_like(matrix)
    multiply = _best(lambda: numpy.matmul(matrix, matrix, out=result))
    source = numpy.zeros(min(max(model_bytes, 1 << 16), _LARGEST), numpy.uint8)
    target = numpy.ones_like(source)
    copy = _best(lambda: numpy.copyto(target, source))
    return Peaks(macs_per_s=_SIDE**3 / multiply, bytes_per_s=2 * len(source) / copy * threads)


def roof(manifest: Mapping[str, Any], batch: int, isa: str, peaks: Peaks) -> Roof:
    """The least time of an inference of a model.

    Args:
      manifest: the model's.
      batch: samples in an inference.
      isa: the CPU's instruction set class.
    """
    narrow = _AMX if isa == "x86_64_amx" else _NARROW
    arithmetic = (manifest["macs"] or 0) * batch / (peaks.macs_per_s * narrow * SLACK)
    looks_up = any("int" in tensor["dtype"] for tensor in manifest["inputs"])
    memory = 0.0 if looks_up else manifest["bytes"] / (peaks.bytes_per_s * SLACK)
    if arithmetic >= memory:
        return Roof(least_ms=1e3 * arithmetic, bound=f"{(manifest['macs'] or 0) * batch:,} MACs", peaks=peaks)
    return Roof(least_ms=1e3 * memory, bound=f"{manifest['bytes']:,} bytes of weights", peaks=peaks)


def _best(work: Any) -> float:
    """The shortest of some runs, in seconds."""
    shortest = float("inf")
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        work()
        shortest = min(shortest, time.perf_counter() - start)
    return max(shortest, 1e-9)
