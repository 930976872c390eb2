"""Confidence intervals on shares and on differences of paired shares, in closed form or by bisection.

Score intervals: they keep their promise where the usual ones collapse, such as when two models answer everything
alike, which says something only in proportion to the samples. Sources: E. B. Wilson, Probable inference, the law of
succession, and statistical inference, JASA 22 (1927); T. Tango, Equivalence test and confidence interval for the
difference in proportions for the paired-sample design, Statistics in Medicine 17 (1998), whose test at difference 0 is
McNemar's (Q. McNemar, Psychometrika 12, 1947).
"""

from __future__ import annotations

import math
from statistics import NormalDist

Interval = tuple[float, float]


def share(hits: int, samples: int, confidence: float) -> Interval:
    """Wilson's interval on the share that `hits` of `samples` estimate."""
    z = _z(confidence)
    middle = (hits + z * z / 2) / (samples + z * z)
    half = z / (samples + z * z) * math.sqrt(hits * (samples - hits) / samples + z * z / 4)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def paired_difference(only_first: int, only_second: int, samples: int, confidence: float) -> Interval:
    """Tango's interval on the first share less the second, of the same samples.

    Args:
      only_first: samples that the first has right and the second has not.
      only_second: the reverse.
      samples: all of them.
      confidence: such as 0.95, two-sided.
    """
    z = _z(confidence)
    estimate = (only_first - only_second) / samples

    def score(difference: float) -> float:
        return _score(only_first, only_second, samples, difference)

    # The score falls as the difference rises; it is +z at the lower bound and -z at the upper.
    return _root(score, z, -1.0, estimate), _root(score, -z, estimate, 1.0)


def _score(b: int, c: int, n: int, difference: float) -> float:
    """Tango's statistic: how far (b - c) / n is from `difference`, in its standard errors under that difference."""
    a2 = 2.0 * n
    b2 = -b - c + (2 * n - b + c) * difference
    c2 = -c * difference * (1 - difference)
    q = max((math.sqrt(max(b2 * b2 - 4 * a2 * c2, 0.0)) - b2) / (2 * a2), 0.0)
    variance = n * (2 * q + difference * (1 - difference))
    distance = b - c - n * difference
    if variance <= 0:
        return math.copysign(math.inf, distance) if distance else 0.0
    return distance / math.sqrt(variance)


def _root(score: object, level: float, low: float, high: float) -> float:
    assert callable(score)
    for _ in range(100):
        middle = (low + high) / 2
        if score(middle) > level:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _z(confidence: float) -> float:
    return NormalDist().inv_cdf(0.5 + confidence / 2)
