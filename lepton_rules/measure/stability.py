"""Whether paired ratios describe one speedup at all.

The sequential verdict is right whatever the noise, so a proven verdict stands. When the cap comes without one, this
says why: a machine that moved under the measurement (UNSTABLE: measure elsewhere or when it is idle), or a speedup
that is simply too near its budget (NOT PROVEN).
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

_ENOUGH = 20
_SPREAD = 1.5
_SHIFTS = 4


def instability(ratios: Sequence[float], baseline_first: Sequence[bool], tolerance: float) -> str:
    """What moved, as a clause for a message; empty when nothing did, or when fewer than 20 pairs cannot tell.

    Three signs, each simple: the quartiles of the ratios are more than a factor 1.5 apart; the medians of the first
    and the second half differ by more than four tolerances; so do those of the pairs that ran the baseline first and
    of those that ran it second.
    """
    if len(ratios) < _ENOUGH:
        return ""
    first, _, third = statistics.quantiles(ratios, n=4)
    if third > _SPREAD * first:
        return f"the middle half of the ratios spreads from {first:.3g} to {third:.3g}"
    middle = len(ratios) // 2
    if _differ(ratios[:middle], ratios[middle:], tolerance):
        return "the ratio drifted between the first and the second half"
    before = [ratio for ratio, order in zip(ratios, baseline_first, strict=True) if order]
    after = [ratio for ratio, order in zip(ratios, baseline_first, strict=True) if not order]
    if min(len(before), len(after)) >= _ENOUGH // 2 and _differ(before, after, tolerance):
        return "the ratio depends on which of the two models ran first"
    return ""


def _differ(one: Sequence[float], other: Sequence[float], tolerance: float) -> bool:
    low, high = sorted((statistics.median(one), statistics.median(other)))
    return high > low * (1 + _SHIFTS * tolerance)
