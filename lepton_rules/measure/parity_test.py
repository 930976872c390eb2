"""The program of `lepton_parity_test`: do two runtimes, or two versions, give the same answers?

launch -s -P lepton_rules/measure/parity_test.py --label=//x:y_parity_test --artifact_label=//x:y --manifest=…
    --baseline_label=//x:z --baseline_manifest=… --comparison=…
    --budget=max_absolute_difference=0.001 --budget=min_agreement=1
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from lepton_rules.manifest import read
from lepton_rules.measure import comparison_file, gate
from lepton_rules.measure.budget import parse_all
from lepton_rules.measure.comparison_file import DIFFERENCES, judge_differences
from lepton_rules.measure.measurement import Measured
from lepton_rules.plugin.errors import LeptonError


def parser() -> gate.Parser:
    """The command line."""
    made = gate.Parser("parity")
    made.add_argument("--manifest", type=Path, required=True)
    made.add_argument("--baseline_manifest", type=Path, required=True)
    made.add_argument("--comparison", type=Path, required=True)
    return made


def measure(arguments: argparse.Namespace) -> gate.Result:
    """Judges every budget.

    Raises:
      LeptonError: a budget, a manifest or the comparison is none, or the two models have other outputs.
    """
    budgets = parse_all(arguments.budget, DIFFERENCES)
    manifest, baseline = read(arguments.manifest), read(arguments.baseline_manifest)
    comparison = comparison_file.read(arguments.comparison)
    if comparison["only_model"] or comparison["only_baseline"]:
        mine = sorted([*comparison["outputs"], *comparison["only_model"]])
        other = sorted([*comparison["outputs"], *comparison["only_baseline"]])
        raise LeptonError(
            f"baseline {arguments.baseline_label}",
            f"its outputs are {', '.join(other)}, and those of {arguments.artifact_label} {', '.join(mine)}",
            "Compare with a model of the same outputs",
        )
    fix = "Find what the two compute differently at that sample, or relax the budget"
    return gate.Result(
        artifact=Measured(label=arguments.artifact_label, digest=manifest["digest"]),
        baseline=Measured(label=arguments.baseline_label, digest=baseline["digest"]),
        outcomes=[judge_differences(budget, comparison, fix) for budget in budgets],
        samples={"comparison": comparison},
    )


if __name__ == "__main__":
    gate.run(parser(), measure)
