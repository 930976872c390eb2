"""The program of `lepton_cold_start_test`: from the start of a process to its first answer.

    launch -s -P lepton_rules/measure/cold_start_test.py <the flags of latency_test.py that tell of models and chip>
        --budget=max_cold_start_ms=900 --budget=max_cold_start_ratio=0.8

Each start is a process of its own: interpreter, libraries, model and one inference. Files are in the page cache, as
they are after a roll-out's first replica. The median is judged, by the sequential test of `sequential`, with alpha 0.01
and a tolerance of 5 %: eight starts can pass and twelve can fail. A ratio takes adjacent pairs of starts in random
order.
"""

from __future__ import annotations

import argparse
import random
import secrets
import statistics
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from lepton_rules.measure import device, gate
from lepton_rules.measure.budget import COLD_START, Budget, parse_all
from lepton_rules.measure.fresh import Fresh, fresh
from lepton_rules.measure.judge_ratio import Ended, conclude
from lepton_rules.measure.sequential import Plan, SpeedupGate
from lepton_rules.measure.stability import instability
from lepton_rules.measure.verdict import Outcome, show
from lepton_rules.plugin.errors import LeptonError

_RELATIVE = ("max_cold_start_ratio",)
_TOLERANCE = 0.05
_ALPHA = 0.01
_MINIMUM = 5
_MAXIMUM = 60


def parser() -> gate.Parser:
    """The command line."""
    made = gate.Parser("cold_start")
    device.add_flags(made)
    made.add_argument("--tolerance", type=float, default=_TOLERANCE)
    made.add_argument("--seconds", type=float, default=60.0)
    return made


def measure(arguments: argparse.Namespace) -> gate.Result:
    """Measures, and judges every budget. Raises LeptonError for whatever keeps it from that."""
    budgets = parse_all(arguments.budget, COLD_START)
    chip = device.prepare(arguments, budgets, _RELATIVE)
    artifact, baseline = device.artifact(arguments, chip), None
    samples: dict[str, Any] = {"batch": chip.batch}
    outcomes = []
    with fresh(arguments, chip) as processes:
        # The first brings files into the page cache.
        processes.run(artifact, 1)
        for budget in budgets:
            if budget.name in _RELATIVE:
                baseline = device.baseline(arguments, chip, budget)
                processes.run(baseline, 1)
            outcome, log = judge_cold_start(budget, processes, artifact, baseline, arguments)
            outcomes.append(outcome)
            samples[budget.name] = log
    return gate.Result(
        artifact=artifact.measured,
        baseline=baseline.measured if baseline else None,
        outcomes=outcomes,
        samples=samples,
        environment=chip.here.environment(chip.threads),
    )


def judge_cold_start(
    budget: Budget,
    processes: Fresh,
    artifact: device.Model,
    baseline: device.Model | None,
    arguments: argparse.Namespace,
) -> tuple[Outcome, dict[str, Any]]:
    """Starts processes until a verdict is proven or the plan ends; what came out, and its log.

    The gate's ratio is the limit over the value, which is at least 1 where the budget is kept.
    """
    try:
        plan = Plan(
            tolerance=arguments.tolerance,
            alpha=_ALPHA,
            minimum_pairs=_MINIMUM,
            maximum_pairs=_MAXIMUM,
            seconds=arguments.seconds,
        )
    except ValueError as error:
        raise LeptonError("cold_start test", str(error), "Give flags within their ranges") from error
    relative = budget.name in _RELATIVE
    limit = float(budget.limit)
    judge = SpeedupGate(1.0, plan)
    seed = secrets.randbits(32)
    order = random.Random(seed)
    mine: list[float] = []
    other: list[float] = []
    first: list[bool] = []
    verdict, stopped, start = None, "", time.perf_counter()
    while not stopped:
        if mine and time.perf_counter() - start >= plan.seconds:
            stopped = "seconds"
        elif len(mine) >= plan.maximum_pairs:
            stopped = "pairs"
        else:
            first.append(relative and order.random() < 0.5)
            models = [(artifact, mine)]
            if relative and baseline is not None:
                models.insert(0 if first[-1] else 1, (baseline, other))
            for model, times in models:
                times.append(processes.run(model, 1).first_answer_s)
            value = mine[-1] / other[-1] if relative else 1e3 * mine[-1]
            verdict = judge.add(limit / value)
            stopped = "verdict" if verdict is not None else ""
    seconds = time.perf_counter() - start
    values = [one / two for one, two in zip(mine, other, strict=True)] if relative else [1e3 * one for one in mine]
    median = statistics.median(values)
    shown = f"{show(median, 4)} of the baseline's" if relative else f"{show(median, 4)} ms to the first answer"
    found = conclude(
        Ended(
            plan=plan,
            verdict=verdict,
            stopped=stopped,
            seconds=seconds,
            count=len(mine),
            noun="pair" if relative else "start",
            headroom=limit / median - 1,
            moved=instability(values, first, plan.tolerance) if verdict is None else "",
        ),
        shown,
        f"the budget is at most {show(budget.limit)}{'' if relative else ' ms'}",
        "Make the model smaller, or its graph cheaper to prepare",
        "raise the budget",
    )
    interval = judge.interval
    outcome = Outcome(
        budget=budget,
        verdict=found.verdict,
        value=Decimal(repr(median)),
        interval=None if interval is None else (limit / interval[1], limit / interval[0]),
        why=found.why,
        fix=found.fix,
        warning=found.warning,
    )
    log = {"seed": seed, "stopped": stopped, "seconds": seconds, "candidate_s": mine, "baseline_s": other}
    return outcome, log | {"baseline_first": first}


if __name__ == "__main__":
    gate.run(parser(), measure)
