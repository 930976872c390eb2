"""From a sequential run that has ended to an outcome: the part that all gates of a median share."""

from __future__ import annotations

from dataclasses import dataclass

from lepton_rules.measure.sequential import Plan
from lepton_rules.measure.verdict import Verdict, show

QUIETER = "Run it on an idle machine, or raise its seconds"


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A run that has ended.

    Attributes:
      plan: what it went by.
      verdict: PASS or FAIL when one was proven, else None.
      stopped: why it ended: "verdict", "pairs" or "seconds".
      seconds: how long it took.
      count: how many it measured.
      noun: what it measured: "pair", "window".
      headroom: how far the median is on the right side of the limit, as a fraction of it; negative on the wrong side.
      moved: what moved under the measurement, empty when nothing did.
    """

    plan: Plan
    verdict: Verdict | None
    stopped: str
    seconds: float
    count: int
    noun: str
    headroom: float
    moved: str


@dataclass(frozen=True, kw_only=True)
class Conclusion:
    """The fields of an Outcome of the same names."""

    verdict: Verdict
    why: str
    fix: str
    warning: str = ""


def conclude(ended: Ended, shown: str, limit: str, improve: str, relax: str) -> Conclusion:
    """What the run proves, in words.

    Args:
      shown: the value, as in "2.1 times the baseline's speed".
      limit: as in "the budget is at least 2".
      improve: what makes the candidate keep the budget, an imperative.
      relax: what makes the budget easier, an imperative that goes on: "lower the budget".
    """
    plan, compared = ended.plan, f"{shown} where {limit}"
    counted = f"{ended.count} {ended.noun}{'' if ended.count == 1 else 's'}"
    cut = ended.stopped == "seconds"
    if ended.verdict is Verdict.PASS:
        why = f"{compared}, proven by {counted} within a tolerance of {show(100 * plan.tolerance)} %"
        return Conclusion(verdict=Verdict.PASS, why=why, fix="", warning=_little(ended.headroom, plan))
    if ended.verdict is Verdict.FAIL:
        return Conclusion(verdict=Verdict.FAIL, why=f"{compared}, proven by {counted}", fix=f"{improve}, or {relax}")
    if ended.moved:
        why = f"neither kept nor broken after {counted} in {ended.seconds:.1f} s ({compared}), since {ended.moved}"
        return Conclusion(verdict=Verdict.UNSTABLE, why=why, fix=QUIETER)
    if cut and ended.count < plan.minimum_pairs:
        why = f"only {counted} fitted in {show(plan.seconds)} s and a verdict takes {plan.minimum_pairs} ({compared})"
        return Conclusion(verdict=Verdict.NOT_PROVEN, why=why, fix="Raise its seconds, or lower the batch")
    cap = f"{show(plan.seconds)} s" if cut else f"{plan.maximum_pairs} {ended.noun}s"
    why = f"neither kept nor broken at the cap of {cap} ({shown} in {counted} where {limit})"
    fix = (
        "Raise its seconds, or give the budget more room" if cut else f"Give the budget more room, or {_lower(improve)}"
    )
    return Conclusion(verdict=Verdict.NOT_PROVEN, why=why, fix=fix)


def _little(headroom: float, plan: Plan) -> str:
    if headroom >= 2 * plan.tolerance:
        return ""
    return (
        f"Warning: the headroom is {show(100 * headroom, 2)} %, under twice the tolerance; "
        "this gate may end as not proven on a noisy machine"
    )


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
