"""Advice: rules, each a file of its own, that turn what a profile found into something to do.

A rule is a module with a function `advise(profile) -> list[Advice]`. It says nothing where it has no number: an Advice
without evidence, or without a gain, cannot be made.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from lepton_rules.profile.evidence import Profile


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a line is pasted.

    Attributes:
      target: among the recipe's passes; among the artifact's overrides, which change the options that they name and
        leave the recipe's others alone; or among the attributes of the lepton_hardware.
      before: of the recipe: the first pass whose name begins so comes after it; "" is the recipe's end.
      replaces: of the recipe: the pass whose line it takes the place of; "" for none.
    """

    target: Literal["recipe", "overrides", "hardware"] = "recipe"
    before: str = ""
    replaces: str = ""

    def __str__(self) -> str:
        """Such as "in the recipe, before onnx.quantize"."""
        if self.target == "overrides":
            return "in the artifact's overrides"
        if self.target == "hardware":
            return "in the lepton_hardware"
        if self.replaces:
            return f"in the recipe, in place of {self.replaces}"
        if self.before.endswith("."):
            return f"in the recipe, before the passes of {self.before[:-1]}"
        return f"in the recipe, before {self.before}" if self.before else "at the end of the recipe"


@dataclass(frozen=True, kw_only=True)
class Advice:
    """Something to do.

    Attributes:
      rule: the module that says so.
      title: what was found, with figures, in a sentence without its full stop.
      recipe: the line to paste, or the lines, as Starlark.
      place: where.
      gain: how much better it gets: times faster, or decibels.
      unit: "x" or "dB".
      basis: what the gain rests on, in a sentence without its full stop.
      evidence: the figures, by name.
    """

    rule: str
    title: str
    recipe: str
    gain: float
    basis: str
    evidence: Mapping[str, float]
    unit: str = "x"
    place: Place = field(default_factory=Place)

    def __post_init__(self) -> None:
        least = 1.0 if self.unit == "x" else 0.0
        if not self.evidence or not all(math.isfinite(value) for value in self.evidence.values()):
            raise ValueError(f"the rule {self.rule} gives no figures")
        if self.unit not in ("x", "dB") or not math.isfinite(self.gain) or self.gain <= least:
            raise ValueError(f"the rule {self.rule} promises {self.gain} {self.unit}")

    def to_json(self) -> dict[str, Any]:
        """As it stands in profile.json: `place` in words."""
        return {**dataclasses.asdict(self), "place": str(self.place)}


def advise(profile: Profile) -> list[Advice]:
    """What all rules say, the most gain in time first."""
    from lepton_rules.profile.advice import rules

    found = [advice for rule in rules.RULES for advice in rule(profile)]
    return sorted(found, key=lambda advice: (advice.unit != "x", -advice.gain, advice.rule))


def without(share: float, left: float = 0.0) -> float:
    """How many times faster all gets when a share of the time shrinks to `left` of itself (G. Amdahl, AFIPS 1967)."""
    return 1 / (1 - share * (1 - left))


def call(name: str, *, lists: Mapping[str, Sequence[str]] | None = None, **options: object) -> str:
    """A pass as it stands in a recipe, such as `onnx.quantize(exclude = ["head"]),`.

    Args:
      name: of the pass.
      lists: options that are lists; an empty one is written too, since it overrides one that is not.
      **options: the others: strings, numbers, and dicts of both.
    """
    words = [f"{key} = {_starlark(value)}" for key, value in options.items()]
    words += [f"{key} = [{', '.join(map(_starlark, values))}]" for key, values in (lists or {}).items()]
    return f"{name}({', '.join(words)}),"


def before_quantizing(profile: Profile) -> Place:
    """Where a pass for a graph in floating point goes: before the first of the lineage that leaves it."""
    leaves = ("onnx.quantize", "onnx.smooth_quant", "onnx.to_")
    found = (step["pass"] for step in profile.passes if step["pass"].startswith(leaves))
    return Place(before=next(found, ""))


def _starlark(value: object) -> str:
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_starlark(key)}: {_starlark(one)}" for key, one in value.items()) + "}"
    return repr(value)
