"""The program of `lepton_latency_test`: measures an artifact on this machine, against a baseline or a clock.

    launch -s -P lepton_rules/measure/latency_test.py --label=//x:y_latency_test --artifact_label=//x:y
        --plugin=onnxruntime --plugin_entry=lepton_plugin_onnxruntime --component=onnxruntime --python_path=…
        --model=… --model_manifest=… [--baseline_label=//x:b --baseline_model=… --baseline_manifest=…]
        --hardware={…} --dataset=….npz --identity=….json --batch=1 --affinity=0-3 --budget=min_speedup=3.2

Both models run in this process, in the runtime of one plugin, with the same inputs and threads. Whatever keeps it from
measuring is an error: it never passes, and never skips, in silence.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import resource
import secrets
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from lepton_rules.measure import device, gate, roofline
from lepton_rules.measure.budget import LATENCY, Budget, parse_all, with_gains_up_to
from lepton_rules.measure.judge_percentile import judge_percentile, planned_samples
from lepton_rules.measure.judge_speedup import PLAUSIBLE_SPEEDUP, judge_speedup, too_fast
from lepton_rules.measure.paired import PairedRun, Run, measure_alone, measure_pairs
from lepton_rules.measure.sequential import Plan, SpeedupGate
from lepton_rules.measure.verdict import Outcome
from lepton_rules.plugin.errors import LeptonError

_RELATIVE = ("min_speedup",)


def parser() -> gate.Parser:
    """The command line."""
    made = gate.Parser("latency")
    device.add_flags(made)
    made.add_argument("--tolerance", type=float, default=Plan.tolerance)
    made.add_argument("--seconds", type=float, default=Plan.seconds)
    made.add_argument("--maximum_pairs", type=int, default=Plan.maximum_pairs)
    made.add_argument("--percentile_seconds", type=float, default=60.0)
    made.add_argument("--plausible_speedup", type=float, default=PLAUSIBLE_SPEEDUP)
    return made


def measure(arguments: argparse.Namespace) -> gate.Result:
    """Measures, and judges every budget. Raises LeptonError for whatever keeps it from that."""
    start = time.perf_counter()
    budgets = parse_all(arguments.budget, with_gains_up_to(LATENCY, arguments.plausible_speedup))
    chip = device.prepare(arguments, budgets, _RELATIVE)
    samples: dict[str, Any] = {"batch": chip.batch, "load_average": os.getloadavg()[0]}
    outcomes: list[Outcome] = []
    artifact, baseline = device.artifact(arguments, chip), None
    with contextlib.ExitStack() as stack:
        candidate = stack.enter_context(device.opened(arguments, chip, artifact))
        samples["threads"] = {"artifact": candidate.threads}
        speedups = [budget for budget in budgets if budget.name in _RELATIVE]
        for budget in speedups:
            baseline = device.baseline(arguments, chip, budget)
            other = stack.enter_context(device.opened(arguments, chip, baseline))
            samples["threads"]["baseline"] = other.threads
        samples["load_seconds"] = time.perf_counter() - start
        switches = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
        roof = machine_roof(arguments, chip)
        if roof is not None:
            samples["roofline"] = roof.log()
        for budget in speedups:
            outcome, run = _speedup(budget, other.run, candidate.run, arguments, roof)
            outcomes.append(outcome)
            samples["pairs"] = _logged(run)
        if count := planned_samples(budgets):
            latencies = measure_alone(candidate.run, count, arguments.percentile_seconds)
            samples["latencies_ns"] = latencies
            in_ms = [nanoseconds / 1e6 for nanoseconds in latencies]
            absurd = too_fast(statistics.median(in_ms), roof) if in_ms else None
            for budget in budgets:
                if budget.name not in _RELATIVE:
                    outcome = judge_percentile(budget, in_ms)
                    outcomes.append(dataclasses.replace(outcome, **vars(absurd)) if absurd else outcome)
        samples["involuntary_switches"] = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw - switches
        # While the runtime's threads are there.
        environment = chip.here.environment(chip.threads)
    return gate.Result(
        artifact=artifact.measured,
        baseline=baseline.measured if baseline else None,
        outcomes=sorted(outcomes, key=lambda outcome: budgets.index(outcome.budget)),
        samples=samples,
        environment=environment,
    )


def machine_roof(arguments: argparse.Namespace, chip: device.Device) -> roofline.Roof | None:
    """The roof of the artifact on this machine; None where its chip is not the CPU."""
    target: Any = chip.plugin.find("targets", chip.hardware.target) if chip.hardware else None
    if not roofline.applies(target, chip.hardware):
        return None
    peaks = roofline.measure_peaks(chip.threads, chip.manifest["bytes"])
    return roofline.roof(chip.manifest, arguments.batch, chip.here.isa, peaks)


def plan_of(arguments: argparse.Namespace, **more: Any) -> Plan:
    """The plan that flags ask for. Raises LeptonError for flags outside of their ranges."""
    try:
        return Plan(tolerance=arguments.tolerance, seconds=arguments.seconds, **more)
    except ValueError as error:
        raise LeptonError("test", str(error), "Give flags within their ranges") from error


def _speedup(
    budget: Budget, baseline: Run, candidate: Run, arguments: argparse.Namespace, roof: roofline.Roof | None
) -> tuple[Outcome, PairedRun]:
    judge = SpeedupGate(float(budget.limit), plan_of(arguments, maximum_pairs=arguments.maximum_pairs))
    run = measure_pairs(baseline, candidate, judge, secrets.randbits(32))
    return judge_speedup(budget, judge, run, arguments.plausible_speedup, roof), run


def _logged(run: PairedRun) -> dict[str, Any]:
    """The run as measurement.json shows it: enough to judge it again, and to repeat its order."""
    return {
        "seed": run.seed,
        "repeats": run.repeats,
        "turns": run.turns,
        "seconds": run.seconds,
        "stopped": run.stopped,
        "baseline_ns": [pair.baseline_ns for pair in run.pairs],
        "candidate_ns": [pair.candidate_ns for pair in run.pairs],
        "baseline_first": [pair.baseline_first for pair in run.pairs],
    }


if __name__ == "__main__":
    gate.run(parser(), measure)
