"""Advice: rules, each a file of its own, that turn what a profile found into something to do.

A rule is a module with a function `advise(profile) -> list[Advice]`. It says nothing where it has no number: an Advice
without evidence, or without a gain, cannot be made.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lepton_rules.profile.evidence import Profile


@dataclass(frozen=True, kw_only=True)
class Advice:
    """Something to do.

    Attributes:
      rule: the module that says so.
      title: what was found, with figures, in a sentence without its full stop.
      recipe: the line to paste, as Starlark.
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

    def __post_init__(self) -> None:
        least = 1.0 if self.unit == "x" else 0.0
        if not self.evidence or not all(math.isfinite(value) for value in self.evidence.values()):
            raise ValueError(f"the rule {self.rule} gives no figures")
        if self.unit not in ("x", "dB") or not math.isfinite(self.gain) or self.gain <= least:
            raise ValueError(f"the rule {self.rule} promises {self.gain} {self.unit}")


def advise(profile: Profile) -> list[Advice]:
    """What all rules say, the most gain in time first."""
    from lepton_rules.profile.advice import rules

    found = [advice for rule in rules.RULES for advice in rule(profile)]
    return sorted(found, key=lambda advice: (advice.unit != "x", -advice.gain, advice.rule))


def without(share: float, left: float = 0.0) -> float:
    """How many times faster all gets when a share of the time shrinks to `left` of itself (G. Amdahl, AFIPS 1967)."""
    return 1 / (1 - share * (1 - left))


def call(name: str, *, lists: Mapping[str, Sequence[str]] | None = None, **options: object) -> str:
    """A pass as it stands in a recipe, such as `onnx.quantize(exclude = ["head"]),`."""
    words = [f"{key} = {_starlark(value)}" for key, value in options.items()]
    for key, values in (lists or {}).items():
        if values:
            words.append(f"{key} = [{', '.join(_starlark(value) for value in values)}]")
    return f"{name}({', '.join(words)}),"


def _starlark(value: object) -> str:
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'
    return repr(value)
