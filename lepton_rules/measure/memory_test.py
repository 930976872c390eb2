"""The program of `lepton_memory_test`: the peak of the resident set, in fresh processes.

    launch -s -P lepton_rules/measure/memory_test.py <the flags of latency_test.py that tell of models and chip>
        --budget=max_load_rss_bytes=200000000 --budget=max_inference_rss_bytes=150000000
        --budget=max_inference_rss_ratio=0.5

Each process starts with nothing, loads one model and runs 16 inferences. What counts is what the system charges for:
all of the process's resident set, interpreter and libraries included. Three processes are measured, and a budget is
kept when all of them keep it and broken when all of them break it.
"""

from __future__ import annotations

import argparse
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from lepton_rules.measure import device, gate
from lepton_rules.measure.budget import MEMORY, Budget, parse_all
from lepton_rules.measure.fresh import Seen, fresh
from lepton_rules.measure.verdict import Outcome, Verdict, show

_PROCESSES = 3
_INFERENCES = 16
_RELATIVE = ("max_inference_rss_ratio",)
_WHAT = {
    "max_load_rss_bytes": ("load_bytes", "while it loads the model"),
    "max_inference_rss_bytes": ("inference_bytes", "while it runs the model"),
    "max_inference_rss_ratio": ("inference_bytes", "while it runs the model"),
}


def parser() -> gate.Parser:
    """The command line."""
    made = gate.Parser("memory")
    device.add_flags(made)
    return made


def measure(arguments: argparse.Namespace) -> gate.Result:
    """Measures, and judges every budget. Raises LeptonError for whatever keeps it from that."""
    budgets = parse_all(arguments.budget, MEMORY)
    chip = device.prepare(arguments, budgets, _RELATIVE)
    artifact = device.artifact(arguments, chip)
    relative = next((budget for budget in budgets if budget.name in _RELATIVE), None)
    baseline = device.baseline(arguments, chip, relative) if relative else None
    mine: list[Seen] = []
    other: list[Seen] = []
    with fresh(arguments, chip) as processes:
        for _ in range(_PROCESSES):
            mine.append(processes.run(artifact, _INFERENCES))
            if baseline is not None:
                other.append(processes.run(baseline, _INFERENCES))
    samples: dict[str, Any] = {"batch": chip.batch, "processes": [vars(seen) for seen in mine]}
    if other:
        samples["baseline_processes"] = [vars(seen) for seen in other]
    return gate.Result(
        artifact=artifact.measured,
        baseline=baseline.measured if baseline else None,
        outcomes=[judge_memory(budget, mine, other) for budget in budgets],
        samples=samples,
        environment=chip.here.environment(chip.threads),
    )


def judge_memory(budget: Budget, mine: list[Seen], other: list[Seen]) -> Outcome:
    """PASS when every process keeps the budget, FAIL when every one breaks it, else NOT PROVEN. The value is the
    largest, and the interval what was seen.

    Args:
      mine: processes of the artifact.
      other: processes of the baseline, for a ratio.
    """
    field, when = _WHAT[budget.name]
    values = sorted(Decimal(getattr(seen, field)) for seen in mine)
    start = min(seen.start_bytes for seen in mine)
    shown = f"a peak of {show(values[-1])} bytes {when}, of which {show(start)} before the model"
    low, high = values[0], values[-1]
    if budget.name in _RELATIVE:
        others = sorted(Decimal(getattr(seen, field)) for seen in other)
        low, high = low / others[-1], high / others[0]
        shown = f"{show(high, 4)} of the baseline's peak {when} ({show(values[-1])} bytes of {show(others[0])})"
    why = f"{shown}, where the budget is at most {show(budget.limit)}{budget.suffix}, in {len(mine)} processes"
    verdict, fix = Verdict.PASS, ""
    if low > budget.limit:
        verdict, fix = Verdict.FAIL, "Compress the model further, lower the batch, or raise the budget"
    elif high > budget.limit:
        verdict, fix = Verdict.NOT_PROVEN, "Give the budget more room: its processes are on both sides of it"
    return Outcome(budget=budget, verdict=verdict, value=high, interval=(float(low), float(high)), why=why, fix=fix)


if __name__ == "__main__":
    gate.run(parser(), measure)
