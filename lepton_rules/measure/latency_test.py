"""The program of `lepton_latency_test`: measures an artifact on this machine, against a baseline or a clock.

    launch -s -P lepton_rules/measure/latency_test.py --label=//x:y_latency_test --artifact_label=//x:y
        --plugin=onnxruntime --plugin_entry=lepton_plugin_onnxruntime --component=onnxruntime --python_path=…
        --model=… --model_manifest=… [--baseline_label=//x:b --baseline_model=… --baseline_manifest=…]
        --hardware={…} --dataset=….npz --identity=….json --batch=1 --budget=min_speedup=3.2

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
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from lepton_rules.manifest import parse_json, read
from lepton_rules.measure import gate
from lepton_rules.measure.budget import LATENCY, Budget, parse_all
from lepton_rules.measure.inputs import batch_of, check_outputs, fixed_batch, model_inputs
from lepton_rules.measure.judge_percentile import judge_percentile, planned_samples
from lepton_rules.measure.judge_speedup import PLAUSIBLE_SPEEDUP, judge_speedup
from lepton_rules.measure.machine import Machine, machine
from lepton_rules.measure.measurement import Measured
from lepton_rules.measure.paired import PairedRun, Run, measure_alone, measure_pairs
from lepton_rules.measure.sequential import Plan, SpeedupGate
from lepton_rules.measure.verdict import Outcome
from lepton_rules.plugin.config import parse_config
from lepton_rules.plugin.contexts import DatasetFile, HardwareFacts, ModelDirectory, RuntimeContext
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.plugin.manager import LoadedPlugin, load

if TYPE_CHECKING:
    from lepton_rules.measure.inputs import Array

_DISTINCT_BATCHES = 16
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def parser() -> gate.Parser:
    """The command line."""
    made = gate.Parser("latency")
    for flag in ("plugin", "component"):
        made.add_argument(f"--{flag}", required=True)
    made.add_argument("--plugin_entry", default=None)
    made.add_argument("--config", default="{}")
    made.add_argument("--python_path", action="append", default=[])
    for flag in ("model", "model_manifest", "dataset", "identity"):
        made.add_argument(f"--{flag}", type=Path, required=True)
    made.add_argument("--baseline_model", type=Path)
    made.add_argument("--baseline_manifest", type=Path)
    made.add_argument("--hardware", default="null")
    made.add_argument("--batch", type=int, default=1)
    made.add_argument("--tolerance", type=float, default=Plan.tolerance)
    made.add_argument("--seconds", type=float, default=Plan.seconds)
    made.add_argument("--maximum_pairs", type=int, default=Plan.maximum_pairs)
    made.add_argument("--percentile_seconds", type=float, default=60.0)
    made.add_argument("--plausible_speedup", type=float, default=PLAUSIBLE_SPEEDUP)
    return made


def measure(arguments: argparse.Namespace) -> gate.Result:
    """Measures, and judges every budget. Raises LeptonError for whatever keeps it from that."""
    budgets = parse_all(arguments.budget, LATENCY)
    hardware = _hardware(arguments.hardware)
    here = machine(arguments.identity)
    threads = hardware.threads if hardware else 1
    for variable in _THREAD_VARIABLES:
        os.environ[variable] = str(threads)
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    sys.path[:0] = [str(Path(path).absolute()) for path in arguments.python_path]
    plugin = load(arguments.plugin, arguments.plugin_entry)
    _require_chip(plugin, hardware, here, budgets)

    manifest = read(arguments.model_manifest)
    batches = _batches(arguments, manifest)
    samples: dict[str, Any] = {"batch": arguments.batch, "load_average": os.getloadavg()[0]}
    outcomes: list[Outcome] = []
    baseline = None
    with contextlib.ExitStack() as stack:

        def opened(model: Path, manifest: Mapping[str, Any], chip: HardwareFacts | None) -> Run:
            context = RuntimeContext(
                label=arguments.label,
                config=None,
                model=ModelDirectory(model.absolute(), manifest),
                hardware=chip,
                threads=threads,
            )
            return stack.enter_context(_opened(plugin, arguments, context, batches))

        candidate = opened(arguments.model, manifest, hardware)
        switches = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
        for budget in budgets:
            if budget.name == "min_speedup":
                against = _baseline_manifest(arguments, manifest)
                baseline = Measured(label=arguments.baseline_label, digest=against["digest"])
                other = opened(arguments.baseline_model, against, _baseline_hardware(against, hardware))
                outcome, run = _speedup(budget, other, candidate, arguments)
                outcomes.append(outcome)
                samples["pairs"] = _logged(run)
        if count := planned_samples(budgets):
            latencies = measure_alone(candidate, count, arguments.percentile_seconds)
            samples["latencies_ns"] = latencies
            in_ms = [nanoseconds / 1e6 for nanoseconds in latencies]
            outcomes += [judge_percentile(budget, in_ms) for budget in budgets if budget.name != "min_speedup"]
        samples["involuntary_switches"] = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw - switches
    return gate.Result(
        artifact=Measured(label=arguments.artifact_label, digest=manifest["digest"]),
        baseline=baseline,
        outcomes=sorted(outcomes, key=lambda outcome: budgets.index(outcome.budget)),
        samples=samples,
        environment=here.environment(threads),
    )


def _hardware(text: str) -> HardwareFacts | None:
    """The chip from its flag: null, or an object with the fields of HardwareFacts."""
    try:
        facts = parse_json(text)
        if facts is None:
            return None
        return HardwareFacts(**{**facts, "capabilities": frozenset(facts.get("capabilities", ()))})
    except (ValueError, TypeError, AttributeError) as error:
        raise LeptonError("latency test", f"--hardware is wrong ({error})", "Report this to lepton_rules") from error


def _require_chip(
    plugin: LoadedPlugin, hardware: HardwareFacts | None, here: Machine, budgets: Sequence[Budget]
) -> None:
    """Raises LeptonError when the chip is not in this machine, and for milliseconds on no declared chip."""
    if hardware is None:
        absolute = [budget.name for budget in budgets if budget.name != "min_speedup"]
        if absolute:
            raise LeptonError(
                f"budget {absolute[0]}",
                "milliseconds mean something on a declared chip only, and the artifact has no hardware",
                "Give the artifact hardware, or gate min_speedup against a baseline",
            )
        return
    target = plugin.find("targets", hardware.target)
    flag = getattr(target, "available", "")
    # A flag that the detection does not know is a stranger's: the rule has asked it.
    if not here.chips.get(flag, True):
        raise LeptonError(
            f"hardware {hardware.target}",
            f"this machine ({here.cpu}) has no {flag}",
            "Run the test on a machine that has the chip",
        )


def _batches(arguments: argparse.Namespace, manifest: Mapping[str, Any]) -> list[dict[str, Array]]:
    """Up to 16 different inputs of the wanted batch, from the dataset."""
    _require_batch(arguments, manifest, arguments.artifact_label)
    inputs, samples = model_inputs(DatasetFile(arguments.dataset), manifest)
    count = min(_DISTINCT_BATCHES, -(-samples // arguments.batch))
    return [batch_of(inputs, index * arguments.batch, arguments.batch) for index in range(count)]


def _require_batch(arguments: argparse.Namespace, manifest: Mapping[str, Any], label: str) -> None:
    fixed = fixed_batch(manifest)
    if arguments.batch < 1 or fixed not in (None, arguments.batch):
        takes = "at least 1" if fixed is None else f"{fixed} only"
        raise LeptonError(
            "batch", f"it is {arguments.batch}, and {label} takes {takes}", "Set the test's batch to that"
        )


def _baseline_manifest(arguments: argparse.Namespace, manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    if arguments.baseline_model is None or arguments.baseline_manifest is None:
        raise LeptonError(
            "budget min_speedup", "it compares with a baseline and there is none", "Set the test's baseline"
        )
    against = read(arguments.baseline_manifest)
    _require_batch(arguments, against, arguments.baseline_label)
    takes, given = (
        [(tensor["name"], tensor["dtype"], tensor["shape"][1:]) for tensor in one["inputs"]]
        for one in (against, manifest)
    )
    if sorted(takes) != sorted(given):
        raise LeptonError(
            f"baseline {arguments.baseline_label}",
            f"it takes the inputs {sorted(takes)}, and {arguments.artifact_label} takes {sorted(given)}",
            "Compare with a model of the same signature",
        )
    return against


def _baseline_hardware(manifest: Mapping[str, Any], hardware: HardwareFacts | None) -> HardwareFacts | None:
    """The chip that the baseline was made for, else the candidate's; with the candidate's runtime and threads."""
    own = manifest["hardware"]
    if own is None or hardware is None:
        return hardware
    return HardwareFacts(
        target=own["target"],
        runtime=hardware.runtime,
        capabilities=frozenset(own["capabilities"]),
        options=own["options"],
        threads=hardware.threads,
    )


@contextlib.contextmanager
def _opened(
    plugin: LoadedPlugin, arguments: argparse.Namespace, context: RuntimeContext, batches: Sequence[dict[str, Array]]
) -> Iterator[Run]:
    """A model in the runtime, ready to run batch number i; it has run each once, rightly. Closed at the end."""
    descriptor: Any = plugin.find("runtimes", arguments.component)
    make: Callable[[RuntimeContext], Any] = plugin.resolve(descriptor)
    config = parse_config(descriptor.config, parse_json(arguments.config))
    runtime = make(dataclasses.replace(context, config=config))
    try:
        for batch in batches:
            outputs = check_outputs(runtime.run(batch), context.model.manifest, arguments.batch)
            _require_numbers(outputs)
        yield lambda index: runtime.run(batches[index % len(batches)])
    finally:
        runtime.close()


def _require_numbers(outputs: Mapping[str, Array]) -> None:
    import numpy

    for name, array in outputs.items():
        if array.dtype.kind == "f" and numpy.isnan(array).any():
            raise LeptonError(f"output {name!r}", "it holds NaN", "Mend the model: its speed means nothing")


def _speedup(budget: Budget, baseline: Run, candidate: Run, arguments: argparse.Namespace) -> tuple[Outcome, PairedRun]:
    try:
        plan = Plan(tolerance=arguments.tolerance, seconds=arguments.seconds, maximum_pairs=arguments.maximum_pairs)
    except ValueError as error:
        raise LeptonError("latency test", str(error), "Give flags within their ranges") from error
    judge = SpeedupGate(float(budget.limit), plan)
    run = measure_pairs(baseline, candidate, judge, secrets.randbits(32))
    return judge_speedup(budget, judge, run, arguments.plausible_speedup), run


def _logged(run: PairedRun) -> dict[str, Any]:
    """The run as measurement.json shows it: enough to judge it again, and to repeat its order."""
    return {
        "seed": run.seed,
        "repeats": run.repeats,
        "seconds": run.seconds,
        "stopped": run.stopped,
        "baseline_ns": [pair.baseline_ns for pair in run.pairs],
        "candidate_ns": [pair.candidate_ns for pair in run.pairs],
        "baseline_first": [pair.baseline_first for pair in run.pairs],
    }


if __name__ == "__main__":
    gate.run(parser(), measure)
