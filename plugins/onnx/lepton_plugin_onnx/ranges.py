"""From what a tensor's values were in calibration to the range that quantization must cover."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

HISTOGRAM_BINS = 4096
ENTROPY_STRIDE = 16  # candidates stand this many bins apart: 0.4 % of the largest magnitude
# Of fewer values the histogram is mostly gaps, which look like information that costs nothing to lose.
ENTROPY_MINIMUM = 4 * HISTOGRAM_BINS


def percentile_range(
    histogram: Array, low: float, high: float, percentile: float, symmetric: bool
) -> tuple[float, float]:
    """The range that holds `percentile` percent of the values.

    Args:
        histogram: [HISTOGRAM_BINS] counts of values between `low` and `high`, or of magnitudes between 0 and the larger
            of their magnitudes where `symmetric`.
        low, high: least and greatest value seen.
        percentile: in (0, 100]; the rest is cut off at both ends alike, or off the magnitudes where `symmetric`.
        symmetric: whether the range must be the same on both sides of 0.
    """
    import numpy as np

    cumulative = np.cumsum(histogram)
    total = int(cumulative[-1])
    bins = len(histogram)
    if symmetric:
        top = max(abs(low), abs(high))
        index = int(np.searchsorted(cumulative, total * (percentile / 100)))
        limit = top * min(index + 1, bins) / bins
        return -limit, limit
    cut = (100 - percentile) / 200
    first = int(np.searchsorted(cumulative, total * cut, side="right"))
    last = int(np.searchsorted(cumulative, total * (1 - cut)))
    width = (high - low) / bins
    return low + first * width, high if last + 1 >= bins else low + (last + 1) * width


def entropy_range(magnitudes: Array, low: float, high: float, levels: int) -> tuple[float, float]:
    """The range whose quantization loses the least information: the threshold of smallest Kullback-Leibler divergence.

    Method: S. Migacz, "8-bit inference with TensorRT", GTC 2017, slides 19 and 36-42: for each candidate threshold the
    clipped distribution P (outliers added to its last bin) is compared with Q, the same bins merged into `levels`. Of
    fewer than ENTROPY_MINIMUM values the whole range is kept.

    Args:
        magnitudes: [HISTOGRAM_BINS] counts of absolute values between 0 and max(|low|, |high|).
        low, high: least and greatest value seen.
        levels: steps that the quantized type has on one side of 0: 128, or 256 where an unsigned type has no negatives.
    """
    import numpy as np

    bins = len(magnitudes)
    if magnitudes.sum() < ENTROPY_MINIMUM:
        return low, high
    counts = magnitudes.astype(np.float64)
    counts[0] = counts[1]  # exact zeros, of which Relu makes many, cost nothing in any range
    beyond = counts.sum() - np.cumsum(counts)  # beyond[i]: in the bins after i
    best, threshold = np.inf, bins
    for size in range(levels, bins + 1, ENTROPY_STRIDE):
        divergence = _divergence(counts[:size], beyond[size - 1], levels)
        if divergence < best:
            best, threshold = divergence, size
    limit = max(abs(low), abs(high)) * threshold / bins
    return max(low, -limit), min(high, limit)


def _divergence(inside: Array, outside: float, levels: int) -> float:
    """KL(P || Q) of a clipped histogram and of its quantization to `levels`, both normalised."""
    import numpy as np

    if not inside.any():
        return float("inf")
    present = inside > 0
    group = np.arange(len(inside)) * levels // len(inside)
    sums = np.bincount(group, inside, levels)
    filled = np.bincount(group, present, levels)
    q = np.where(present, sums[group] / np.maximum(filled[group], 1), 0.0)
    p = inside.copy()
    p[-1] += outside
    if outside and not present[-1]:
        # P has mass where Q has none: smooth Q by the least that a bin can hold, so that the divergence stays finite.
        q[-1] = 1e-4
    used = p > 0
    p, q = p[used] / p.sum(), q[used] / q.sum()
    return float(np.sum(p * np.log(p / q)))
