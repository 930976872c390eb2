"""The program of `lepton_accuracy_test`: compares metrics that actions have computed with budgets.

    launch -s -P lepton_rules/measure/accuracy_test.py --label=//x:y_accuracy_test --artifact_label=//x:y
        --manifest=… --metrics=… [--baseline_label=//x:b --baseline_manifest=… --baseline_metrics=…]
        --budget=min_accuracy=0.97 --budget=max_accuracy_drop=0.005 --budget=min_agreement=0.99
        [--largest=accuracy=1]

`min_<metric>` and `max_<metric>` bound a metric of the artifact; `max_<metric>_drop` bounds the baseline's less the
artifact's, and `max_<metric>_rise` the artifact's less the baseline's. Numbers are compared as decimals, exactly as
metrics.json shows them. A model may have several files of metrics, of which a later one's values win. `--largest` says
that no value of a metric is above that, and so no budget. The manifests are optional; with them, metrics of another
model are refused, and a baseline of another signature.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from lepton_rules.manifest import read
from lepton_rules.measure import gate, metrics_file
from lepton_rules.measure.budget import Budget, metric_budget, parse_all
from lepton_rules.measure.measurement import Measured
from lepton_rules.measure.metrics_file import Metrics
from lepton_rules.measure.verdict import Outcome, judge, show
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
        outcomes=[_judge(budget, candidate, baseline, arguments) for budget in budgets],
        samples=samples,
    )


def _judge(budget: Budget, candidate: Metrics, baseline: Metrics | None, arguments: argparse.Namespace) -> Outcome:
    asked = metric_budget(budget.name)
    value = _value(budget, candidate, asked.metric, arguments.artifact_label)
    why = f"{asked.metric} on {candidate.samples} samples"
    if asked.change:
        if baseline is None:
            raise LeptonError(
                f"budget {budget.name}", "it compares with a baseline and there is none", "Set the test's baseline"
            )
        before = _value(budget, baseline, asked.metric, arguments.baseline_label)
        why += f": {show(value)}, and {show(before)} for {arguments.baseline_label}"
        value = before - value if asked.change == "drop" else value - before
    return judge(budget, value, why, "Make the recipe gentler, or relax the budget")


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
