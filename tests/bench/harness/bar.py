"""One line of the table: a goal, what was measured, and whether it holds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Bar:
    """A measured bar.

    Attributes:
      name: what is measured.
      goal: what it is held to, as the table shows it.
      value: what was measured, in `unit`.
      unit: of the value: `s`, `x`, `GB`, `inputs`, …
      holds: whether the value meets the goal.
      how: how it was measured, and the figures that it comes from.
    """

    name: str
    goal: str
    value: float
    unit: str
    holds: bool
    how: str

    def row(self) -> list[str]:
        """The cells of the table."""
        value = f"{self.value:.3g}" if self.value < 100 else f"{self.value:.0f}"
        if f"{value} " in self.goal and not self.holds:
            # So near that three digits would make it the goal.
            value = f"{self.value:.4g}"
        return [self.name, self.goal, f"{value} {self.unit}", "holds" if self.holds else "MISSED", self.how]

    def to_json(self) -> dict[str, Any]:
        """The bar as JSON."""
        return asdict(self)


def at_most(name: str, value: float, goal: float, unit: str, how: str) -> Bar:
    """A bar whose value must not be more than the goal."""
    return Bar(name, f"{'<= ' if goal else ''}{goal:g} {unit}", value, unit, value <= goal, how)


def at_least(name: str, value: float, goal: float, unit: str, how: str) -> Bar:
    """A bar whose value must not be less than the goal."""
    return Bar(name, f">= {goal:g} {unit}", value, unit, value >= goal, how)


@dataclass(frozen=True)
class Options:
    """What the command line says.

    Attributes:
      folder: the benchmark's own, outside of the tree and of /tmp, which a sandbox hides.
      rc: the project's .bazelrc without that of this person.
      warm_cache: whether builds from nothing may use the packages that this machine has fetched before.
    """

    folder: Path
    rc: Path
    warm_cache: bool
