"""The program of `lepton_accuracy_test`: compares metrics that actions have computed with budgets.

    launch -s -P lepton_rules/measure/accuracy_test.py --label=//x:y_accuracy_test --artifact_label=//x:y
        --manifest=… --metrics=… [--baseline_label=//x:b --baseline_manifest=… --baseline_metrics=…]
        --budget=min_accuracy=0.97 --budget=max_accuracy_drop=0.005 --budget=min_agreement=0.99
        [--largest=accuracy=1] [--intervals=…] [--confidence=0.95]

`min_<metric>` and `max_<metric>` bound a metric of the artifact; `max_<metric>_drop` bounds the baseline's less the
artifact's, `max_<metric>_rise` the artifact's less the baseline's, and `max_<metric>_drop_ratio` and `…_rise_ratio`
the same as a fraction of the baseline's. Numbers are compared as decimals, exactly as metrics.json shows them.
`--intervals` is what interval_action.py wrote. With `--confidence` the whole interval must keep a budget, or break it;
otherwise the samples are too few, and it is NOT PROVEN. A model may have several files of metrics, of which a later
one's values win. `--largest` says that no value of a metric is above that, and so no budget. The manifests are
optional; with them, metrics of another model are refused, and a baseline of another signature.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from lepton_rules.manifest import parse_json, read
from lepton_rules.measure import gate, metrics_file
from lepton_rules.measure.budget import Budget, metric_budget, parse_all
from lepton_rules.measure.measurement import Measured
from lepton_rules.measure.metrics_file import Metrics
from lepton_rules.measure.verdict import Outcome, Verdict, judge, show
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.plugin.names import suggestion


def parser() -> gate.Parser:
    """The command line."""
    made = gate.Parser("accuracy")
    made.add_argument("--manifest", type=Path)
    made.add_argument("--metrics", type=Path, action="append", required=True)
    made.add_argument("--baseline_manifest", type=Path)
    made.add_argument("--baseline_metrics", type=Path, action="append", default=[])
    made.add_argument("--largest", action="append", default=[])
    made.add_argument("--intervals", type=Path, action="append", default=[])
    made.add_argument("--confidence", type=float)
    return made


def measure(arguments: argparse.Namespace) -> gate.Result:
    """Judges every budget.

    Raises:
      LeptonError: a budget or a file is none, or the baseline was evaluated on other samples.
    """
    bounds = {name: Decimal(bound) for name, _, bound in (spec.partition("=") for spec in arguments.largest)}
    budgets = parse_all(arguments.budget, None, bounds)
    candidate = _read(arguments.artifact_label, arguments.metrics, arguments.manifest)
    samples: dict[str, Any] = {"samples": candidate.samples, "metrics": dict(candidate.metrics)}
    sure = _intervals(arguments.intervals)
    if sure:
        samples["intervals"] = sure
    baseline, compared = None, None
    if arguments.manifest is not None and arguments.baseline_manifest is not None:
        _require_same_signature(arguments)
    if arguments.baseline_metrics:
        baseline = _read(arguments.baseline_label, arguments.baseline_metrics, arguments.baseline_manifest)
        samples["baseline_metrics"] = dict(baseline.metrics)
        compared = Measured(label=arguments.baseline_label, digest=baseline.model_digest)
        if baseline.dataset_digest != candidate.dataset_digest:
            raise LeptonError(
                f"baseline {arguments.baseline_label}",
                f"it was evaluated on other samples ({baseline.samples}) than {arguments.artifact_label} "
                f"({candidate.samples})",
                "Evaluate both on the same split of one dataset",
            )
    return gate.Result(
        artifact=Measured(label=arguments.artifact_label, digest=candidate.model_digest),
        baseline=compared,
        outcomes=[_judge(budget, candidate, baseline, arguments, sure) for budget in budgets],
        samples=samples,
    )


def _judge(
    budget: Budget,
    candidate: Metrics,
    baseline: Metrics | None,
    arguments: argparse.Namespace,
    sure: Mapping[str, Mapping[str, Any]],
) -> Outcome:
    asked = metric_budget(budget.name)
    value = _value(budget, candidate, asked.metric, arguments.artifact_label)
    why = f"{asked.metric} on {candidate.samples} samples"
    interval = _bounds(sure.get(asked.metric, {}), asked.change)
    if asked.change:
        if baseline is None:
            raise LeptonError(
                f"budget {budget.name}", "it compares with a baseline and there is none", "Set the test's baseline"
            )
        before = _value(budget, baseline, asked.metric, arguments.baseline_label)
        why += f": {show(value)}, and {show(before)} for {arguments.baseline_label}"
        value = before - value if asked.change == "drop" else value - before
        if asked.relative:
            if not before:
                raise LeptonError(
                    f"budget {budget.name}",
                    "the baseline's metric is 0, of which nothing is a fraction",
                    f"Set max_{asked.metric}_{asked.change}",
                )
            value /= abs(before)
            # The baseline's own uncertainty is of second order: it is taken as known.
            interval = (
                None if interval is None else (interval[0] / abs(float(before)), interval[1] / abs(float(before)))
            )
    outcome = dataclasses.replace(
        judge(budget, value, why, "Make the recipe gentler, or relax the budget"), interval=interval
    )
    return outcome if arguments.confidence is None else _surely(outcome, candidate.samples, arguments.confidence)


def _surely(outcome: Outcome, samples: int, confidence: float) -> Outcome:
    """The outcome when the whole interval must be on one side of the limit."""
    budget, interval = outcome.budget, outcome.interval
    assert outcome.value is not None
    if interval is None:
        return dataclasses.replace(
            outcome,
            verdict=Verdict.NOT_PROVEN,
            why=f"{outcome.why}, and there is no interval on it, which confidence {show(confidence)} takes",
            fix="Remove confidence, or gate a metric that resampling can judge",
        )
    limit = float(budget.limit)
    low, high = interval
    kept, broken = (low >= limit, high < limit) if budget.at_least else (high <= limit, low > limit)
    why = f"{outcome.why}, from {show(low, 3)} to {show(high, 3)} at confidence {show(confidence)}"
    if kept or broken:
        return dataclasses.replace(outcome, why=why)
    room = abs(float(outcome.value) - limit)
    reach = max(float(outcome.value) - low, high - float(outcome.value))
    fix = "Give the budget more room: no number of samples tells a value from itself"
    if room:
        # The interval's width falls with the square root of the samples.
        fix = f"Evaluate on about {math.ceil(samples * (reach / room) ** 2)} samples, or give the budget more room"
    return dataclasses.replace(outcome, verdict=Verdict.NOT_PROVEN, why=why, fix=fix)


def _bounds(entry: Mapping[str, Any], change: str) -> tuple[float, float] | None:
    """The interval on a metric, or on its drop or rise."""
    found = entry.get("drop" if change else "value")
    if found is None:
        return None
    low, high = found
    return (-high, -low) if change == "rise" else (low, high)


def _intervals(paths: Sequence[Path]) -> dict[str, Mapping[str, Any]]:
    """Each metric's entry in the files of interval_action.py."""
    found: dict[str, Mapping[str, Any]] = {}
    for path in paths:
        try:
            found |= parse_json(path.read_text("utf-8"))["metrics"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LeptonError("intervals", f"{path.name} cannot be read ({error!r})", "Build it again") from error
    return found


def _require_same_signature(arguments: argparse.Namespace) -> None:
    """Raises LeptonError unless both models take and give tensors of the same names and shapes. Their dtypes may
    differ: what compression does to an answer is what is measured."""
    one, other = (
        {
            side: [
                (tensor["name"], [length if isinstance(length, int) else "any" for length in tensor["shape"][1:]])
                for tensor in sorted(read(path)[side], key=lambda tensor: str(tensor["name"]))
            ]
            for side in ("inputs", "outputs")
        }
        for path in (arguments.manifest, arguments.baseline_manifest)
    )
    for side in ("inputs", "outputs"):
        if one[side] != other[side]:
            raise LeptonError(
                f"baseline {arguments.baseline_label}",
                f"its {side} are {_spell(other[side])}, and those of {arguments.artifact_label} {_spell(one[side])}",
                "Compare with a model of the same signature",
            )


def _spell(tensors: list[tuple[str, list[int | str]]]) -> str:
    return ", ".join(f"{name} {['batch', *shape]}" for name, shape in tensors)


def _value(budget: Budget, metrics: Metrics, name: str, label: str) -> Decimal:
    if name not in metrics.metrics:
        raise LeptonError(f"budget {budget.name}", f"{label} has no metric {name}", suggestion(name, metrics.metrics))
    return metrics.exact(name)


def _read(label: str, paths: Sequence[Path], manifest: Path | None) -> Metrics:
    """The metrics of one model from its files, which must all be of that model and of the same samples."""
    what = f"metrics of {label}"
    files = [metrics_file.read(path, what) for path in paths]
    first = files[0]
    for metrics in files:
        if manifest is not None and (digest := read(manifest)["digest"]) != metrics.model_digest:
            raise LeptonError(
                what, f"they are of the model {metrics.model_digest}, not of {digest}", "Build them again"
            )
        if metrics.predictions_digest != first.predictions_digest or metrics.dataset_digest != first.dataset_digest:
            raise LeptonError(what, "their files are of other predictions or samples", "Build them again")
    return dataclasses.replace(first, metrics={name: value for one in files for name, value in one.metrics.items()})


if __name__ == "__main__":
    gate.run(parser(), measure)
