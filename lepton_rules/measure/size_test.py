"""The program of `lepton_size_test`: compares the bytes in manifests with budgets.

    launch -s -P lepton_rules/measure/size_test.py --label=//x:y_size_test --artifact_label=//x:y --manifest=…
        [--baseline_label=//x:b --baseline_manifest=…]
        --budget=max_size_ratio=0.27 --budget=max_size_bytes=12000000

The size of a model is that of all its files, external data included. Reads no weights and needs no numerical library.
"""

from __future__ import annotations

import argparse
import sys
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from lepton_rules.manifest import read
from lepton_rules.measure import gate
from lepton_rules.measure.budget import SIZE, Budget, parse_all
from lepton_rules.measure.measurement import Measured
from lepton_rules.measure.verdict import Outcome, judge
from lepton_rules.plugin.errors import LeptonError


def parser() -> gate.Parser:
    """The command line."""
    made = gate.Parser("size")
    made.add_argument("--manifest", type=Path, required=True)
    made.add_argument("--baseline_manifest", type=Path)
    return made


def measure(arguments: argparse.Namespace) -> gate.Result:
    """Judges every budget.

    Raises:
      LeptonError: a budget or a manifest is none.
    """
    budgets = parse_all(arguments.budget, SIZE)
    artifact, size = _model(arguments.artifact_label, arguments.manifest)
    baseline, baseline_size = None, None
    if arguments.baseline_manifest is not None:
        baseline, baseline_size = _model(arguments.baseline_label, arguments.baseline_manifest)
    samples = {"bytes": size} if baseline_size is None else {"bytes": size, "baseline_bytes": baseline_size}
    return gate.Result(
        artifact=artifact,
        baseline=baseline,
        outcomes=[_judge(budget, size, baseline_size) for budget in budgets],
        samples=samples,
    )


def _judge(budget: Budget, size: int, baseline_size: int | None) -> Outcome:
    fix = "Compress the model further, or raise the budget"
    if budget.name == "max_size_bytes":
        return judge(budget, Decimal(size), "all files of the model", fix)
    if baseline_size is None:
        raise LeptonError(
            f"budget {budget.name}", "it compares with a baseline and there is none", "Set the test's baseline"
        )
    return judge(budget, Decimal(size) / Decimal(baseline_size), f"{size} bytes of {baseline_size}", fix)


def _model(label: str, path: Path) -> tuple[Measured, int]:
    manifest = read(path)
    if not manifest["bytes"]:
        raise LeptonError(f"manifest of {label}", "the model has no bytes", "Build it again")
    return Measured(label=label, digest=manifest["digest"]), manifest["bytes"]


if __name__ == "__main__":
    gate.run(parser(), measure)
