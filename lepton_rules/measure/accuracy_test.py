"""The program of `lepton_accuracy_test`: compares metrics that actions have computed with budgets.

    launch -s -P lepton_rules/measure/accuracy_test.py --label=//x:y_accuracy_test --artifact_label=//x:y --metrics=M
    [--baseline_label=//x:b
        --baseline_metrics=B] --budget=min_accuracy=0.97 --budget=max_accuracy_drop=0.005 --budget=min_agreement=0.99

`min_<metric>` and `max_<metric>` bound a metric of the artifact; `max_<metric>_drop` bounds the baseline's less the
artifact's and `max_<metric>_rise` the artifact's less the baseline's. Numbers are compared as decimals, exactly as
metrics.json writes them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from lepton_rules.measure import gate
from lepton_rules.measure.budget import Budget, metric_budget, parse_all
from lepton_rules.measure.files import read_object
from lepton_rules.measure.measurement import Measured, number
from lepton_rules.measure.verdict import Outcome, judge, show
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.plugin.names import suggestion

_AGAIN = "Build the target that writes it again"


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """The content of one metrics.json. `samples` counts the rows of the evaluation split, `dataset` is its digest."""

    model: Measured
    values: Mapping[str, Decimal]
    samples: int
    dataset: str


def parser() -> gate.Parser:
    """The command line."""
    made = gate.Parser("accuracy")
    made.add_argument("--metrics", type=Path, required=True)
    made.add_argument("--baseline_metrics", type=Path)
    return made


def measure(arguments: argparse.Namespace) -> gate.Result:
    """Judges every budget. Raises LeptonError for a budget or a file that is none, and for a baseline that saw other
    samples.
    """
    budgets = parse_all(arguments.budget, None)
    candidate = _read(arguments.artifact_label, arguments.metrics)
    baseline = None
    if arguments.baseline_metrics is not None:
        baseline = _read(arguments.baseline_label or "the baseline", arguments.baseline_metrics)
        if baseline.dataset != candidate.dataset:
            raise LeptonError(
                "baseline",
                f"{baseline.model.label} was evaluated on other samples ({baseline.samples}) than "
                f"{candidate.model.label} ({candidate.samples})",
                "Evaluate both on one dataset and split",
            )
    samples: dict[str, Any] = {"samples": candidate.samples, "metrics": _numbers(candidate.values)}
    if baseline is not None:
        samples["baseline_metrics"] = _numbers(baseline.values)
    return gate.Result(
        artifact=candidate.model,
        baseline=None if baseline is None else baseline.model,
        outcomes=[_judge(budget, candidate, baseline) for budget in budgets],
        samples=samples,
    )


def _judge(budget: Budget, candidate: Metrics, baseline: Metrics | None) -> Outcome:
    asked = metric_budget(budget.name)
    value = _value(budget, candidate, asked.metric)
    why = f"{asked.metric} on {candidate.samples} samples"
    if asked.change:
        if baseline is None:
            raise LeptonError(
                f"budget {budget.name}", "it compares with a baseline and there is none", "Set the test's baseline"
            )
        before = _value(budget, baseline, asked.metric)
        why += f": {show(value)}, and {show(before)} for {baseline.model.label}"
        value = before - value if asked.change == "drop" else value - before
    return judge(budget, value, why, "Make the recipe gentler, or relax the budget")


def _value(budget: Budget, metrics: Metrics, name: str) -> Decimal:
    if name not in metrics.values:
        raise LeptonError(
            f"budget {budget.name}",
            f"{metrics.model.label} has no metric {name}",
            suggestion(name, metrics.values),
        )
    return metrics.values[name]


def _read(label: str, path: Path) -> Metrics:
    what = f"metrics of {label}"
    content = read_object(path, what)
    if content.get("schema_version") != 1:
        raise LeptonError(what, f"their schema_version is {content.get('schema_version')!r}, not 1", _AGAIN)
    values, samples = content.get("metrics"), content.get("samples")
    if not isinstance(values, dict) or any(
        isinstance(v, bool) or not isinstance(v, int | Decimal) for v in values.values()
    ):
        raise LeptonError(what, "they are not a table of numbers", _AGAIN)
    if not isinstance(samples, int) or isinstance(samples, bool) or samples < 1:
        raise LeptonError(what, f"they rest on {samples!r} samples", _AGAIN)
    return Metrics(
        model=Measured(label=label, digest=gate.digest(content, "model_digest", what)),
        values={name: Decimal(value) for name, value in values.items()},
        samples=samples,
        dataset=gate.digest(content, "dataset_digest", what),
    )


def _numbers(values: Mapping[str, Decimal]) -> dict[str, int | float]:
    return {name: number(value) for name, value in values.items()}


if __name__ == "__main__":
    gate.run(parser(), measure)
