"""Where a noisy series changes: E-divisive.

    D. S. Matteson, N. A. James, A nonparametric approach for multiple change point analysis of multivariate data,
    JASA 109, 2014. In use for performance tests: D. Daly et al., The use of change point detection to identify
    software performance regressions in a continuous integration system, ICPE 2020.

A split of a segment is scored by the energy distance of its sides; the best split is kept if it scores better than the
best splits of most random permutations of the series do. It assumes no distribution, and no number of changes.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

SMALLEST = 4
"""Points on each side of a change: fewer are no evidence."""

SIGNIFICANCE = 0.01
PERMUTATIONS = 499


@dataclass(frozen=True, kw_only=True)
class Split:
    """A change: the first point after it, and the share of permutations that score as well."""

    index: int
    p_value: float


def change_points(
    values: Sequence[float],
    *,
    significance: float = SIGNIFICANCE,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
    smallest: int = SMALLEST,
) -> list[Split]:
    """The changes of a series, in its order.

    Args:
      values: finite numbers, oldest first.
      significance: the largest p-value of a change: the probability of one in a series that never changes.
      permutations: the least p-value is 1 / (permutations + 1).
      seed: of the permutations.
      smallest: points on each side of a change, at least 2.
    """
    import numpy

    if smallest < 2 or not 0 < significance < 1 or permutations < 1:
        raise ValueError(f"smallest {smallest}, significance {significance}, permutations {permutations}")
    series = numpy.asarray(values, dtype=float)
    if series.ndim != 1 or not numpy.isfinite(series).all():
        raise ValueError("the series is not one of finite numbers")
    draw = random.Random(seed)
    found: list[Split] = []
    while True:
        bounds = [0, *sorted(split.index for split in found), len(series)]
        segments = [series[start:end] for start, end in itertools.pairwise(bounds)]
        best, position, index = max(
            ((*_best_split(segment, smallest), number) for number, segment in enumerate(segments)),
            key=lambda scored: scored[0],
        )
        if position == 0:
            return sorted(found, key=lambda split: split.index)
        as_good = 0
        for _ in range(permutations):
            shuffled = max(_best_split(_permuted(segment, draw), smallest)[0] for segment in segments)
            as_good += shuffled >= best
            if (as_good + 1) / (permutations + 1) > significance:
                return sorted(found, key=lambda split: split.index)
        found.append(Split(index=bounds[index] + position, p_value=(as_good + 1) / (permutations + 1)))


def _permuted(segment: Array, draw: random.Random) -> Array:
    order = list(range(len(segment)))
    draw.shuffle(order)
    return segment[order]


def _best_split(segment: Array, smallest: int) -> tuple[float, int]:
    """(score, length of the left side) of the best split; (0, 0) where there is none, as in a constant segment."""
    import numpy

    count = len(segment)
    if count < 2 * smallest:
        return 0.0, 0
    distances = numpy.abs(segment[:, None] - segment[None, :])
    # sums[i, j]: of the distances among the first i points to the first j.
    sums = numpy.zeros((count + 1, count + 1))
    sums[1:, 1:] = distances.cumsum(0).cumsum(1)
    left = numpy.arange(smallest, count - smallest + 1)
    right = count - left
    within_left = sums[left, left]
    between = sums[left, count] - within_left
    within_right = sums[count, count] - 2 * sums[left, count] + within_left
    energy = 2 * between / (left * right) - within_left / (left * (left - 1)) - within_right / (right * (right - 1))
    scores = energy * left * right / count
    best = int(scores.argmax())
    # A constant segment scores nothing but rounding.
    return (float(scores[best]), int(left[best])) if scores[best] > 1e-12 * (1 + distances.max()) else (0.0, 0)
