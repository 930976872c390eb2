"""The sequential verdict on a paired ratio: pass, fail, or not proven yet.

One pair gives one ratio: how many times faster the candidate was than the baseline, measured beside each other. The
gate `min_speedup = B` asks whether the median M of that ratio is at least B. With tolerance t:

    PASS rejects  M <= B * (1 - t):  the candidate is not slower than the budget by more than the tolerance;
    FAIL rejects  M >= B:            the candidate is slower than the budget.

A median between B * (1 - t) and B may get either answer, whichever is proven first; when one pair proves both, the
answer is PASS. PASS is wrong with probability at most `alpha`. FAIL is wrong with probability at most `alpha / 10`: a
false alarm stops somebody's merge, and for a candidate that is exactly as fast as its budget `alpha` alone would give
one in 1,700 runs.

The median, and signs, not means: one descheduled run multiplies a ratio by 100, and a sign weighs it as much as any
other.

Method. Under a null hypothesis the sign "the ratio is beyond the threshold" has, given the past, probability at most
1/2. Betting the fraction 2p - 1 of one's capital on it, with p in [1/2, 1], multiplies the capital by 2p or 2(1 - p):
a non-negative supermartingale, and so is any average of such over p chosen beforehand. Half of the capital here is bet
with p = 19/20, for the clear case, in which hardly a pair is on the wrong side; the other half is spread evenly over
all p in [1/2, 1], for the rest. With s successes in n pairs

    E(n, s) = 1/2 * (19/10)^s * (1/10)^(n - s) + 1/2 * U(n, s),
    U(n, s) = 2^n * 2 * integral from 1/2 to 1 of p^s (1 - p)^(n - s) dp = (C(n+1, 0) + ... + C(n+1, s)) / ((n + 1) *
    C(n, s)),

computed exactly, in rationals. Ville's inequality bounds the probability that it ever reaches 1/alpha by alpha,
whatever the noise, so one may look after every pair and stop at will; how the capital is split decides only how many
pairs it takes. Unanimous pairs pass after 12 and fail after 16, those with one on the wrong side after 17 and 20; with
two, no bet on signs fails within 20. Sources: J. Ville, Etude critique de la notion de collectif (1939); I.
Waudby-Smith and A. Ramdas, Estimating means of bounded random variables by betting, JRSS B 86 (2024); the mixture is
H. Robbins, Statistical methods related to the law of the iterated logarithm, Ann. Math. Stat. 41 (1970).
"""

from __future__ import annotations

import bisect
import functools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb

from lepton_rules.measure.verdict import Verdict

FALSE_ALARM_FACTOR = 10
"""FAIL needs this many times the evidence that PASS needs."""

_CLEAR = Fraction(19, 20)


def e_value(trials: int, successes: int) -> Fraction:
    """Evidence against "a success has probability at most 1/2" after `successes` in `trials`; its expectation under
    that is at most 1.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes in {trials} trials")
    spread = Fraction(sum(comb(trials + 1, k) for k in range(successes + 1)), (trials + 1) * comb(trials, successes))
    clear = (2 * _CLEAR) ** successes * (2 * (1 - _CLEAR)) ** (trials - successes)
    return (clear + spread) / 2


@functools.cache
def needed(trials: int, evidence: int) -> int:
    """The fewest successes in `trials` whose e-value reaches `evidence`; `trials + 1` when none does. The e-value
    grows with successes.
    """
    return bisect.bisect_left(range(trials + 1), True, key=lambda successes: e_value(trials, successes) >= evidence)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """When to believe, and when to give up.

    Attributes:
      tolerance: how far below the budget a PASS may truly be, as a fraction.
      alpha: the largest probability of a wrong PASS.
      minimum_pairs: no verdict before this many.
      maximum_pairs: the cap on pairs.
      seconds: the cap on time. It wins over the minimum of pairs.
    """

    tolerance: float = 0.03
    alpha: float = 0.001
    minimum_pairs: int = 10
    maximum_pairs: int = 200
    seconds: float = 10.0

    def __post_init__(self) -> None:
        if not 0 < self.tolerance < 0.5:
            raise ValueError(f"tolerance {self.tolerance} is outside (0, 0.5)")
        if not 0 < self.alpha <= 0.05:
            raise ValueError(f"alpha {self.alpha} is outside (0, 0.05]")
        if not 1 <= self.minimum_pairs <= self.maximum_pairs:
            raise ValueError(f"pairs {self.minimum_pairs} to {self.maximum_pairs}")
        if not 0 < self.seconds < math.inf:
            raise ValueError(f"{self.seconds} seconds")

    @property
    def pass_evidence(self) -> int:
        """The e-value at which PASS is proven."""
        return math.ceil(1 / self.alpha)

    @property
    def fail_evidence(self) -> int:
        """The e-value at which FAIL is proven."""
        return math.ceil(FALSE_ALARM_FACTOR / self.alpha)


class SpeedupGate:
    """Judges ratios one by one against `min_speedup`."""

    def __init__(self, budget: float, plan: Plan) -> None:
        """`budget` is the least speedup, dimensionless and positive."""
        if not (budget > 0 and math.isfinite(budget)):
            raise ValueError(f"budget {budget}")
        self.plan = plan
        self._fails_below = budget
        self._passes_above = budget * (1 - plan.tolerance)
        self._ratios: list[float] = []
        self._above = 0
        self._below = 0

    def add(self, ratio: float) -> Verdict | None:
        """Takes one more ratio (baseline time / candidate time) and returns PASS or FAIL once it is proven, else
        None.
        """
        if not (ratio > 0 and math.isfinite(ratio)):
            raise ValueError(f"ratio {ratio}")
        self._ratios.append(ratio)
        self._above += ratio > self._passes_above
        self._below += ratio < self._fails_below
        pairs = len(self._ratios)
        if pairs < self.plan.minimum_pairs:
            return None
        if self._above >= needed(pairs, self.plan.pass_evidence):
            return Verdict.PASS
        if self._below >= needed(pairs, self.plan.fail_evidence):
            return Verdict.FAIL
        return None

    @property
    def ratios(self) -> Sequence[float]:
        """What was added so far, in order."""
        return tuple(self._ratios)

    @property
    def median(self) -> float | None:
        """The estimate of the speedup."""
        return statistics.median(self._ratios) if self._ratios else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Bounds on the true median, by inverting the same two tests at every threshold; None while there are too few
        pairs for any.

        The lower bound is too high with probability at most `alpha`, the upper too low with at most `alpha / 10`,
        whenever one stops. PASS is "the lower bound is above B * (1 - t)", FAIL is "the upper bound is below B".
        """
        pairs = len(self._ratios)
        low, high = needed(pairs, self.plan.pass_evidence), needed(pairs, self.plan.fail_evidence)
        if max(low, high) > pairs:
            return None
        ordered = sorted(self._ratios)
        return ordered[pairs - low], ordered[high - 1]
