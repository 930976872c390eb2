"""One line of the table: a goal, what was measured, and whether it holds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Bar:
    """A measured bar. `holds` is decided by who measures, from `value` alone."""

    name: str
    goal: str
    value: float
    unit: str
    holds: bool
    how: str

    def row(self) -> list[str]:
        """The cells of the table."""
        return [self.name, self.goal, f"{self.value:.3g} {self.unit}", "holds" if self.holds else "MISSED", self.how]

    def to_json(self) -> dict[str, Any]:
        """The bar as JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Options:
    """What the command line says. `folder` is the benchmark's own, outside the tree and outside /tmp."""

    folder: Path
