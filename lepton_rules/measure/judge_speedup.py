"""From a paired run to the outcome of `min_speedup`."""

from __future__ import annotations

import statistics
from decimal import Decimal

from lepton_rules.measure.budget import Budget
from lepton_rules.measure.judge_ratio import Conclusion, Ended, conclude
from lepton_rules.measure.paired import PairedRun
from lepton_rules.measure.roofline import Roof
from lepton_rules.measure.sequential import SpeedupGate
from lepton_rules.measure.stability import instability
from lepton_rules.measure.verdict import Outcome, Verdict, show

PLAUSIBLE_SPEEDUP = 100.0
"""Few compressions of one model on one chip give more."""


def judge_speedup(
    budget: Budget,
    gate: SpeedupGate,
    run: PairedRun,
    plausible: float = PLAUSIBLE_SPEEDUP,
    roof: Roof | None = None,
) -> Outcome:
    """The outcome that the run proves.

    Args:
      plausible: a median gain above this is IMPLAUSIBLE, whatever the budget.
      roof: so is a candidate that is faster than this; None where no roof is known.
    """
    median = gate.median
    shown = "no ratio" if median is None else f"{show(median, 4)} times the baseline's speed"
    pairs = f"{len(gate.ratios)} pair{'s' if len(gate.ratios) != 1 else ''}"
    if run.stopped == "clock":
        found = Conclusion(
            verdict=Verdict.UNSTABLE,
            why=f"an inference took no measurable time after {pairs}",
            fix="Raise the batch, so that one inference takes longer than a tick of the clock",
        )
    elif median is not None and median > plausible:
        found = Conclusion(
            verdict=Verdict.IMPLAUSIBLE,
            why=f"{shown} after {pairs}, and a gain above {show(plausible)} is not plausible",
            fix="Check that the candidate computes its outputs from its inputs, or raise max_plausible_speedup",
        )
    else:
        candidate_ms = statistics.median(pair.candidate_ns for pair in run.pairs) / run.repeats / 1e6
        found = too_fast(candidate_ms, roof) or conclude(
            Ended(
                plan=gate.plan,
                verdict=run.verdict,
                stopped=run.stopped,
                seconds=run.seconds,
                count=len(gate.ratios),
                noun="pair",
                headroom=(median or 0.0) / float(budget.limit) - 1,
                moved=instability(gate.ratios, [pair.baseline_first for pair in run.pairs], gate.plan.tolerance),
            ),
            shown,
            f"the budget is at least {show(budget.limit)}",
            "Make the candidate faster",
            "lower the budget",
        )
    return Outcome(
        budget=budget,
        verdict=found.verdict,
        value=None if median is None else Decimal(repr(median)),
        interval=gate.interval,
        why=found.why,
        fix=found.fix,
        warning=found.warning,
    )


def too_fast(milliseconds: float, roof: Roof | None) -> Conclusion | None:
    """IMPLAUSIBLE for an inference in less time than the roof allows, else None."""
    if roof is None or milliseconds >= roof.least_ms:
        return None
    return Conclusion(
        verdict=Verdict.IMPLAUSIBLE,
        why=f"an inference in {show(milliseconds, 3)} ms, and this machine needs {show(roof.least_ms, 3)} ms for its "
        f"{roof.bound}",
        fix="Check that the candidate computes its outputs from its inputs, and that its manifest's MACs are right",
    )
