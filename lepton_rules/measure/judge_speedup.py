"""From a paired run to the outcome of `min_speedup`."""

from __future__ import annotations

from decimal import Decimal

from lepton_rules.measure.budget import Budget
from lepton_rules.measure.paired import PairedRun
from lepton_rules.measure.sequential import SpeedupGate
from lepton_rules.measure.stability import instability
from lepton_rules.measure.verdict import Outcome, Verdict, show

PLAUSIBLE_SPEEDUP = 100.0
"""No compression pass of one model on one chip gives more."""

_QUIETER = "Run it on an idle machine, or raise its seconds"
_ROOM = "Give the budget more room, or make the candidate faster"


def judge_speedup(budget: Budget, gate: SpeedupGate, run: PairedRun, plausible: float = PLAUSIBLE_SPEEDUP) -> Outcome:
    """The outcome that the run proves.

    Args:
      plausible: a median gain above this is IMPLAUSIBLE, whatever the budget.
    """
    plan, median = gate.plan, gate.median
    verdict, why, fix, warning = Verdict.NOT_PROVEN, "", _ROOM, ""
    shown = "no ratio" if median is None else f"{show(median, 4)} times the baseline's speed"
    pairs = f"{len(gate.ratios)} pair{'s' if len(gate.ratios) != 1 else ''}"
    limit = f"the budget is at least {show(budget.limit)}"

    if run.stopped == "clock":
        verdict, fix = Verdict.UNSTABLE, "Raise the batch, so that one inference takes longer than a tick of the clock"
        why = f"an inference took no measurable time after {pairs}"
    elif median is not None and median > plausible:
        verdict, fix = Verdict.IMPLAUSIBLE, "Check that the candidate computes its outputs from its inputs"
        why = f"{shown} after {pairs}, and a gain above {show(plausible)} is not plausible"
    elif run.verdict is Verdict.PASS:
        verdict, fix = Verdict.PASS, ""
        why = f"{shown} where {limit}, proven by {pairs} within a tolerance of {show(100 * plan.tolerance)} %"
        room = (median or 0.0) / float(budget.limit) - 1
        if room < 2 * plan.tolerance:
            warning = (
                f"Warning: the headroom is {show(100 * room, 2)} %, under twice the tolerance; "
                "this gate may end as not proven on a noisy machine"
            )
    elif run.verdict is Verdict.FAIL:
        verdict, fix = Verdict.FAIL, "Make the candidate faster, or lower the budget"
        why = f"{shown} where {limit}, proven by {pairs}"
    elif moved := instability(gate.ratios, [pair.baseline_first for pair in run.pairs], plan.tolerance):
        verdict, fix = Verdict.UNSTABLE, _QUIETER
        why = f"neither kept nor broken after {pairs} in {run.seconds:.1f} s ({shown} where {limit}), since {moved}"
    elif run.stopped == "seconds" and len(gate.ratios) < plan.minimum_pairs:
        fix = "Raise its seconds, or lower the batch"
        takes = f"a verdict takes {plan.minimum_pairs}"
        why = f"only {pairs} fitted in {show(plan.seconds)} s and {takes} ({shown} where {limit})"
    else:
        if run.stopped == "seconds":
            fix = "Raise its seconds, or give the budget more room"
        cap = f"{show(plan.seconds)} s" if run.stopped == "seconds" else f"{plan.maximum_pairs} pairs"
        why = f"neither kept nor broken at the cap of {cap} ({shown} in {pairs} where {limit})"

    value = None if median is None else Decimal(repr(median))
    return Outcome(
        budget=budget, verdict=verdict, value=value, interval=gate.interval, why=why, fix=fix, warning=warning
    )
