"""comparison.json: how far the answers of two models on the same samples are from each other.

    {"schema_version": 1, "samples": 797, "only_model": [], "only_baseline": [],
     "outputs": {"logits": {"shapes": [[797, 10], [797, 10]],
                            "absolute": {"value": 0.31, "sample": 412, "element": [3],
                                         "model": "2.1", "baseline": "2.41"},
                            "relative": {…}, "agreement": {"same": 795, "first": 58}}}}

`value` is null where it is infinite: a NaN against a number. `first` is the first sample with another answer. Where the
shapes differ, the three that compare are null.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from lepton_rules.manifest import parse_json
from lepton_rules.measure.budget import Budget, Kind
from lepton_rules.measure.verdict import Outcome, Verdict, judge
from lepton_rules.plugin.errors import LeptonError

SCHEMA_VERSION = 1

# 0 asks for the same bits.
DIFFERENCES: Mapping[str, Kind] = {
    "max_absolute_difference": Kind(unit="absolute", zero=True),
    "max_relative_difference": Kind(
        unit="ratio", suffix=" of the sample's largest value", largest=Decimal(10), zero=True
    ),
    "min_agreement": Kind(unit="agreement", suffix=" of the samples", largest=Decimal(1)),
}

_KINDS = {"max_absolute_difference": "absolute", "max_relative_difference": "relative"}


def read(path: Path) -> dict[str, Any]:
    """Reads a comparison.

    Raises:
      LeptonError: it cannot be read, or is none.
    """
    try:
        content = parse_json(path.read_text("utf-8"))
        if content["schema_version"] != SCHEMA_VERSION or not isinstance(content["outputs"], dict):
            raise ValueError("it is of another version")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LeptonError(
            f"comparison {path.name}", f"it cannot be read ({error})", "Build it again with this lepton_rules"
        ) from error
    found: dict[str, Any] = content
    return found


def judge_differences(budget: Budget, comparison: Mapping[str, Any], fix: str) -> Outcome:
    """The verdict on one of DIFFERENCES, over all outputs: the worst one decides, and is named with its sample."""
    for name, output in comparison["outputs"].items():
        if output["absolute"] is None:
            mine, other = output["shapes"]
            why = f"output {name!r} is {mine}, and the baseline's {other}"
            return Outcome(budget=budget, verdict=Verdict.FAIL, value=None, why=why, fix=fix)
    if not comparison["outputs"]:
        return Outcome(
            budget=budget, verdict=Verdict.FAIL, value=None, why="no output has the baseline's name", fix=fix
        )
    if budget.name == "min_agreement":
        return _judge_agreement(budget, comparison, fix)
    kind = _KINDS[budget.name]
    name, worst = max(_worst(comparison, kind), key=lambda found: _size(found[1]))
    why = (
        f"worst: sample {worst['sample']} of {comparison['samples']}, output {name!r}{_place(worst['element'])}: "
        f"{worst['model']}, and {worst['baseline']} in the baseline"
    )
    if worst["value"] is None:
        return Outcome(budget=budget, verdict=Verdict.FAIL, value=None, why=f"no number ({why})", fix=fix)
    return judge(budget, Decimal(repr(worst["value"])), why, fix)


def _judge_agreement(budget: Budget, comparison: Mapping[str, Any], fix: str) -> Outcome:
    name, output = min(comparison["outputs"].items(), key=lambda item: (item[1]["agreement"]["same"], item[0]))
    same, samples = output["agreement"]["same"], comparison["samples"]
    why = f"{same} of {samples} samples, output {name!r}"
    if same < samples:
        why += f"; first: sample {output['agreement']['first']}"
    return judge(budget, Decimal(same) / Decimal(samples), why, fix)


def _worst(comparison: Mapping[str, Any], kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, output in comparison["outputs"].items():
        yield name, output[kind]


def _size(worst: Mapping[str, Any]) -> Decimal:
    return Decimal("Infinity") if worst["value"] is None else Decimal(repr(worst["value"]))


def _place(element: list[int]) -> str:
    return f" {element}" if element else ""
