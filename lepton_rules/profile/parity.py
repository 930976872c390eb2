"""How far the answers of two models are from each other, and the sample where they are farthest apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

_SHOWN = 16


def parity(before: Mapping[str, Array], after: Mapping[str, Array]) -> list[dict[str, Any]]:
    """One entry for each output in floating point that both have in one shape, by name.

    {"output", "samples", "max_abs", "mean_abs", "sqnr_db", "worst_sample", "expected", "got"}: `worst_sample` is the
    index of the one with the greatest difference, `expected` and `got` are its first 16 values. NaN beside a number,
    or an infinity, is `max_abs` None: farther than any number.
    """
    import numpy

    found = []
    for name in sorted(set(before) & set(after)):
        was, now = numpy.asarray(before[name]), numpy.asarray(after[name])
        if was.dtype.kind != "f" or was.shape != now.shape or not was.size or not was.ndim:
            continue
        was, now = was.astype(numpy.float64), now.astype(numpy.float64)
        with numpy.errstate(invalid="ignore", over="ignore"):
            difference = numpy.abs(was - now)
            difference[(was == now) | (numpy.isnan(was) & numpy.isnan(now))] = 0.0
            difference[numpy.isnan(difference)] = numpy.inf
            of_sample = difference.reshape(len(difference), -1).max(1)
            signal, noise = float(numpy.square(was).sum()), float(numpy.square(difference).sum())
        worst = int(of_sample.argmax())
        finite = bool(numpy.isfinite(of_sample[worst]))
        found.append(
            {
                "output": name,
                "samples": len(was),
                "max_abs": float(of_sample[worst]) if finite else None,
                "mean_abs": float(difference.mean()) if finite else None,
                "sqnr_db": _decibels(signal, noise) if finite else None,
                "worst_sample": worst,
                "expected": _values(was[worst]),
                "got": _values(now[worst]),
            }
        )
    return found


def _decibels(signal: float, noise: float) -> float:
    """10 log10 of signal over noise, between -200 and 200."""
    import math

    if not noise:
        return 200.0
    return round(max(min(10 * math.log10(signal / noise), 200.0), -200.0), 2) if signal else -200.0


def _values(array: Array) -> list[float | None]:
    import math

    values = [float(value) for value in array.reshape(-1)[:_SHOWN]]
    return [value if math.isfinite(value) else None for value in values]
