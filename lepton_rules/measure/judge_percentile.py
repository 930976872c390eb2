"""From latencies of the candidate alone to the outcome of `max_p50_ms`, `max_p90_ms` and `max_p99_ms`."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from lepton_rules.measure import percentile
from lepton_rules.measure.budget import Budget
from lepton_rules.measure.verdict import Outcome, Verdict, show

PERCENTILES = {"max_p50_ms": 0.5, "max_p90_ms": 0.9, "max_p99_ms": 0.99}

_FLOORS = 4


def planned_samples(budgets: Sequence[Budget]) -> int:
    """How many latencies to take, fixed before the first: four times the floor of the highest percentile asked for, 0
    when none is.
    """
    asked = [PERCENTILES[budget.name] for budget in budgets if budget.name in PERCENTILES]
    return _FLOORS * percentile.floor(max(asked)) if asked else 0


def judge_percentile(budget: Budget, latencies_ms: Sequence[float]) -> Outcome:
    """The outcome that these latencies, in milliseconds, prove.

    PASS when they prove the limit kept, FAIL when they prove it broken, else NOT PROVEN. The value is the smallest
    limit that they prove.
    """
    share = PERCENTILES[budget.name]
    name = f"p{round(100 * share)}"
    count = f"{len(latencies_ms)} samples"
    upper, lower = percentile.estimate(latencies_ms, share), percentile.lower_bound(latencies_ms, share)
    if upper is None:
        return Outcome(
            budget=budget,
            verdict=Verdict.NOT_PROVEN,
            value=None,
            why=f"{count} fitted in the time, and {name} takes at least {percentile.floor(share)}",
            fix="Raise its seconds, lower the batch, or gate a lower percentile",
        )
    interval = None if lower is None else (lower, upper)
    bound = f"the budget is at most {show(budget.limit)} ms"
    if upper <= budget.limit:
        verdict, fix = Verdict.PASS, ""
        why = f"{count} prove a {name} of at most {show(upper, 4)} ms where {bound}"
    elif lower is not None and lower > budget.limit:
        verdict, fix = Verdict.FAIL, "Make the candidate faster, or raise the budget"
        why = f"{count} prove a {name} of at least {show(lower, 4)} ms where {bound}"
    else:
        verdict, fix = Verdict.NOT_PROVEN, "Give the budget more room, or make the candidate's tail shorter"
        why = f"{count} prove a {name} of at most {show(upper, 4)} ms where {bound}"
    return Outcome(budget=budget, verdict=verdict, value=Decimal(repr(upper)), interval=interval, why=why, fix=fix)
