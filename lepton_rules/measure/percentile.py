"""Tail latency by MLPerf's early-stopping rule: what so few samples can prove about a percentile.

A percentile read off a handful of samples is wrong as often as not. The rule counts instead: of n latencies, t are
over the limit. If the true p-th percentile were above the limit, each latency would be over it with probability above
1 - p, and so few as t would be unlikely. The limit is kept, with confidence 0.99, when

    P(at most t of n are over | each is with probability 1 - p) <= 0.01.

The smallest n with t = 1 are the floors: 64 samples for p90 and 662 for p99; under them nothing is said. The number
of samples is planned beforehand, since this test, unlike `sequential`, may be looked at once only. Source: MLCommons,
MLPerf Inference Rules, appendix "Early Stopping Criterion" (inference_policies, inference_rules.adoc), and LoadGen's
early_stopping.cc.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

CONFIDENCE = 0.99


def chance(samples: int, over: int, percentile: float) -> float:
    """P(at most `over` of `samples` are over the percentile), in [0, 1]: the binomial's lower tail, summed in
    logarithms.
    """
    if not 0 <= over <= samples or not 0 < percentile < 1:
        raise ValueError(f"{over} of {samples} over the percentile {percentile}")
    logs = [
        _log_choose(samples, k) + k * math.log1p(-percentile) + (samples - k) * math.log(percentile)
        for k in range(over + 1)
    ]
    return min(math.fsum(math.exp(log) for log in logs), 1.0)


def floor(percentile: float, confidence: float = CONFIDENCE) -> int:
    """The fewest samples that can prove anything: those that allow one to be over. 64 for 0.9, 662 for 0.99."""
    return samples_for(1, percentile, confidence)


def samples_for(over: int, percentile: float, confidence: float = CONFIDENCE) -> int:
    """The fewest samples that keep a limit though `over` of them are over it."""
    low, high = over, max(2 * over, 2)
    while chance(high, over, percentile) > 1 - confidence:
        low, high = high, 2 * high
    while low < high:
        middle = (low + high) // 2
        if chance(middle, over, percentile) <= 1 - confidence:
            high = middle
        else:
            low = middle + 1
    return low


def allowed_over(samples: int, percentile: float, confidence: float = CONFIDENCE) -> int:
    """How many of `samples` may be over a limit that is kept: the largest count, or 0 under the floor."""
    low, high = 0, samples
    while low < high:
        middle = (low + high + 1) // 2
        if chance(samples, middle, percentile) <= 1 - confidence:
            low = middle
        else:
            high = middle - 1
    return low


def estimate(latencies: Sequence[float], percentile: float, confidence: float = CONFIDENCE) -> float | None:
    """The smallest limit that these latencies prove, in their unit: an upper bound on the percentile. None under the
    floor.
    """
    over = allowed_over(len(latencies), percentile, confidence)
    return sorted(latencies)[-over] if over else None


def lower_bound(latencies: Sequence[float], percentile: float, confidence: float = CONFIDENCE) -> float | None:
    """The largest limit that these latencies prove broken, in their unit; None when they prove none.

    The mirror of `estimate`: with k latencies at or over a limit that the percentile kept, so many would have
    probability at most 1 - confidence.
    """
    ordered = sorted(latencies, reverse=True)
    low, high = 0, len(ordered)
    while low < high:
        middle = (low + high) // 2
        if 1 - chance(len(ordered), middle, percentile) <= 1 - confidence:
            high = middle
        else:
            low = middle + 1
    return ordered[low] if low < len(ordered) else None


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
