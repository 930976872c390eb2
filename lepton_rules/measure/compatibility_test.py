"""The program of `lepton_compatibility_test`: may a new version stand where an older one does?

    launch -s -P lepton_rules/measure/compatibility_test.py --label=//x:y_compatibility_test --artifact_label=//x:y
        --manifest=… --baseline_label=//x:released --baseline_manifest=… [--baseline_digest=sha256:…]
        [--comparison=… --budget=max_relative_difference=0.02 --budget=min_agreement=0.99]

The signature is judged always: `max_signature_changes`, whose limit is 0, counts what breaks a caller that was made for
the baseline (see `lepton_rules.measure.signature`). The answers are judged where a comparison of them is given.
"""

from __future__ import annotations

import argparse
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from lepton_rules.manifest import read
from lepton_rules.measure import comparison_file, gate, signature
from lepton_rules.measure.budget import Budget, parse_all
from lepton_rules.measure.comparison_file import DIFFERENCES, judge_differences
from lepton_rules.measure.measurement import Measured
from lepton_rules.measure.verdict import Outcome, judge
from lepton_rules.plugin.errors import LeptonError

_SIGNATURE = Budget(name="max_signature_changes", limit=Decimal(0), unit="changes")
_FIX = "Keep what callers know, or release it as another model"


def parser() -> gate.Parser:
    """The command line."""
    made = gate.Parser("compatibility")
    made.add_argument("--manifest", type=Path, required=True)
    made.add_argument("--baseline_manifest", type=Path, required=True)
    made.add_argument("--baseline_digest", default="")
    made.add_argument("--comparison", type=Path)
    return made


def measure(arguments: argparse.Namespace) -> gate.Result:
    """Judges the signature, and every budget.

    Raises:
      LeptonError: a budget, a manifest or the comparison is none, or the baseline is not the one that was named.
    """
    manifest, baseline = read(arguments.manifest), read(arguments.baseline_manifest)
    if arguments.baseline_digest and baseline["digest"] != arguments.baseline_digest:
        raise LeptonError(
            f"baseline {arguments.baseline_label}",
            f"its digest is {baseline['digest']}, and the test names {arguments.baseline_digest}",
            "Compare with the release that was meant, or name this one",
        )
    broken = signature.changes(baseline, manifest)
    outcomes: list[Outcome] = [judge(_SIGNATURE, Decimal(len(broken)), "; ".join(broken) or "none", _FIX)]
    samples: dict[str, Any] = {"changes": broken, "added_outputs": signature.additions(baseline, manifest)}
    if arguments.comparison is not None:
        comparison = comparison_file.read(arguments.comparison)
        samples["comparison"] = comparison
        fix = "Make the new version answer as the old one does, or relax the budget"
        outcomes += [judge_differences(budget, comparison, fix) for budget in parse_all(arguments.budget, DIFFERENCES)]
    return gate.Result(
        artifact=Measured(label=arguments.artifact_label, digest=manifest["digest"]),
        baseline=Measured(label=arguments.baseline_label, digest=baseline["digest"]),
        outcomes=outcomes,
        samples=samples,
    )


if __name__ == "__main__":
    gate.run(parser(), measure)
