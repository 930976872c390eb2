"""What plants use without a model: an alarm when one level of one channel crosses a limit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from record import CHANNELS


def features(levels: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Levels of each channel of each window, in SI units: mean, effective value, peak, crest factor; [windows] each."""
    found = {}
    for index, name in enumerate(CHANNELS):
        values = levels[:, :, index]
        moving = values - values.mean(axis=1, keepdims=True)
        effective, peak = moving.std(axis=1), np.abs(moving).max(axis=1)
        found |= {
            f"{name} mean": values.mean(axis=1),
            f"{name} effective": effective,
            f"{name} peak": peak,
            f"{name} crest": peak / np.maximum(effective, 1e-12),
        }
    return found


def f1(answers: NDArray[np.bool_], labels: NDArray[np.int64]) -> float:
    """F1 of the class 1."""
    hits = int(np.sum(answers & (labels == 1)))
    wrong = int(np.sum(answers != (labels == 1)))
    return 2 * hits / max(2 * hits + wrong, 1)


def best_limit(values: NDArray[np.float64], labels: NDArray[np.int64]) -> tuple[float, float, int]:
    """The limit of one level with the best F1: (F1, limit, 1 for an alarm above it or -1 for below)."""
    best = (0.0, 0.0, 1)
    for sign in (1, -1):
        signed = sign * values
        for limit in np.quantile(signed, np.linspace(0, 1, 101)):
            best = max(best, (f1(signed >= limit, labels), float(limit), sign))
    return best
