"""Which of several artifacts nobody would choose: another is as good in all, and better in one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def dominated(points: Mapping[str, Sequence[float | None]]) -> set[str]:
    """The names of those that are dominated.

    Args:
      points: for each name its figures, all of them better when less, in one order; None where one was not measured.
        Two compare by what both have.
    """
    return {
        name
        for name, figures in points.items()
        if any(other != name and _better(rival, figures) for other, rival in points.items())
    }


def _better(rival: Sequence[float | None], figures: Sequence[float | None]) -> bool:
    pairs = [(a, b) for a, b in zip(rival, figures, strict=True) if a is not None and b is not None]
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)
