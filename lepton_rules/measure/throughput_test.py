"""The program of `lepton_throughput_test`: samples a second of a model that is kept busy.

    launch -s -P lepton_rules/measure/throughput_test.py <the flags of latency_test.py that tell of models and chip>
        --concurrency=2 --budget=min_samples_per_s=400 --budget=min_throughput_ratio=3

`concurrency` threads of this process call one runtime for the length of a window, of at least 0.1 s and, where the
time allows, ten inferences each; what they finish, over the time until the last has finished, is the window's
throughput. The median of the windows is judged by the sequential test of `sequential`; a ratio takes adjacent pairs of
windows in random order.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import secrets
import sys
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from lepton_rules.measure import device, gate
from lepton_rules.measure.budget import THROUGHPUT, Budget, parse_all, with_gains_up_to
from lepton_rules.measure.judge_ratio import Conclusion, Ended, conclude
from lepton_rules.measure.judge_speedup import PLAUSIBLE_SPEEDUP, too_fast
from lepton_rules.measure.latency_test import machine_roof, plan_of
from lepton_rules.measure.paired import Run, quiet, warm_up
from lepton_rules.measure.roofline import Roof
from lepton_rules.measure.sequential import Plan, SpeedupGate
from lepton_rules.measure.stability import instability
from lepton_rules.measure.verdict import Outcome, Verdict, show
from lepton_rules.plugin.errors import LeptonError

_RELATIVE = ("min_throughput_ratio",)
_WINDOW_S = 0.1
_INFERENCES = 10
_WINDOWS = 40


def parser() -> gate.Parser:
    """The command line."""
    made = gate.Parser("throughput")
    device.add_flags(made)
    made.add_argument("--concurrency", type=int, default=1)
    made.add_argument("--tolerance", type=float, default=Plan.tolerance)
    made.add_argument("--seconds", type=float, default=Plan.seconds)
    made.add_argument("--plausible_speedup", type=float, default=PLAUSIBLE_SPEEDUP)
    return made


def measure(arguments: argparse.Namespace) -> gate.Result:
    """Measures, and judges every budget. Raises LeptonError for whatever keeps it from that."""
    budgets = parse_all(arguments.budget, with_gains_up_to(THROUGHPUT, arguments.plausible_speedup))
    if arguments.concurrency < 1:
        raise LeptonError("concurrency", f"it is {arguments.concurrency}", "Give at least 1")
    chip = device.prepare(arguments, budgets, _RELATIVE)
    artifact, baseline = device.artifact(arguments, chip), None
    samples: dict[str, Any] = {
        "batch": chip.batch,
        "concurrency": arguments.concurrency,
        "load_average": os.getloadavg()[0],
    }
    outcomes = []
    with contextlib.ExitStack() as stack:
        candidate = stack.enter_context(device.opened(arguments, chip, artifact))
        samples["threads"] = {"artifact": candidate.threads}
        roof = machine_roof(arguments, chip)
        for budget in budgets:
            other = None
            if budget.name in _RELATIVE:
                baseline = device.baseline(arguments, chip, budget)
                other = stack.enter_context(device.opened(arguments, chip, baseline))
                samples["threads"]["baseline"] = other.threads
            outcome, log = _judge(budget, candidate.run, other.run if other else None, arguments, roof)
            outcomes.append(outcome)
            samples[budget.name] = log
        # While the runtime's threads are there.
        environment = chip.here.environment(chip.threads)
    return gate.Result(
        artifact=artifact.measured,
        baseline=baseline.measured if baseline else None,
        outcomes=outcomes,
        samples=samples,
        environment=environment,
    )


def window(run: Run, concurrency: int, seconds: float) -> tuple[int, float]:
    """Keeps a model busy.

    Args:
      run: one inference.
      concurrency: threads that call it; what one of them raises ends the window and is raised.
      seconds: no inference starts later.

    Returns:
      The inferences that were finished, and the seconds until the last of them was.
    """
    counts = [0] * concurrency
    ends = [0.0] * concurrency
    raised: list[BaseException] = []
    start = threading.Barrier(concurrency + 1)

    def call(number: int) -> None:
        try:
            start.wait()
            end = time.perf_counter() + seconds
            while not raised:
                run(number + counts[number] * concurrency)
                counts[number] += 1
                ends[number] = time.perf_counter()
                if ends[number] >= end:
                    break
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(concurrency)]
    for thread in threads:
        thread.start()
    start.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    if raised:
        raise raised[0]
    return sum(counts), max(ends) - began


def _judge(
    budget: Budget, candidate: Run, baseline: Run | None, arguments: argparse.Namespace, roof: Roof | None
) -> tuple[Outcome, dict[str, Any]]:
    judge = SpeedupGate(float(budget.limit), plan_of(arguments))
    plan, seed = judge.plan, secrets.randbits(32)
    order = random.Random(seed)
    mine: list[float] = []
    other: list[float] = []
    first: list[bool] = []
    verdict, stopped = None, ""
    with quiet():
        # What the slower of the two takes for ten inferences, where twenty pairs of such windows fit in the time.
        slowest = max(warm_up(run, time.perf_counter_ns) for run in (candidate, baseline) if run is not None)
        seconds = max(_WINDOW_S, min(_INFERENCES * slowest / 1e9, plan.seconds / _WINDOWS))

        def throughput(run: Run) -> float:
            count, took = window(run, arguments.concurrency, seconds)
            batch: int = arguments.batch
            return count * batch / max(took, 1e-9)

        start = time.perf_counter()
        while not stopped:
            if mine and time.perf_counter() - start >= plan.seconds:
                stopped = "seconds"
            elif len(mine) >= plan.maximum_pairs:
                stopped = "pairs"
            else:
                first.append(baseline is not None and order.random() < 0.5)
                runs = [(candidate, mine)]
                if baseline is not None:
                    runs.insert(0 if first[-1] else 1, (baseline, other))
                for run, values in runs:
                    values.append(throughput(run))
                verdict = judge.add(mine[-1] / other[-1] if baseline else mine[-1])
                stopped = "verdict" if verdict is not None else ""
        took = time.perf_counter() - start
    median = judge.median
    assert median is not None
    unit = "times the baseline's throughput" if baseline else "samples/s"
    shown = f"{show(median, 4)} {unit}"
    best_ms = 1e3 * arguments.batch * arguments.concurrency / max(sorted(mine)[len(mine) // 2], 1e-9)
    found = _absurd(median, shown, arguments, baseline is not None) or too_fast(best_ms, roof)
    found = found or conclude(
        Ended(
            plan=plan,
            verdict=verdict,
            stopped=stopped,
            seconds=took,
            count=len(mine),
            noun="pair" if baseline else "window",
            headroom=median / float(budget.limit) - 1,
            moved=instability(judge.ratios, first, plan.tolerance) if verdict is None else "",
        ),
        shown,
        f"the budget is at least {show(budget.limit)}",
        "Make the candidate faster, or give it a larger batch",
        "lower the budget",
    )
    outcome = Outcome(
        budget=budget,
        verdict=found.verdict,
        value=Decimal(repr(median)),
        interval=judge.interval,
        why=found.why,
        fix=found.fix,
        warning=found.warning,
    )
    log = {"seed": seed, "stopped": stopped, "seconds": took, "window_s": seconds, "candidate": mine}
    return outcome, log | {"baseline": other, "baseline_first": first}


def _absurd(median: float, shown: str, arguments: argparse.Namespace, relative: bool) -> Conclusion | None:
    if not relative or median <= arguments.plausible_speedup:
        return None
    return Conclusion(
        verdict=Verdict.IMPLAUSIBLE,
        why=f"{shown}, and a gain above {show(arguments.plausible_speedup)} is not plausible",
        fix="Check that the candidate computes its outputs from its inputs, or raise max_plausible_speedup",
    )


if __name__ == "__main__":
    gate.run(parser(), measure)
