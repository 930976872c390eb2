"""From records to series: one number of one test on one kind of machine, over time; and its changes."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from lepton_rules.tools.history.change_points import PERMUTATIONS, SIGNIFICANCE, SMALLEST, change_points
from lepton_rules.tools.history.store import Record

_NEAR = SMALLEST - 1


@dataclass(frozen=True, kw_only=True)
class Point:
    """One value, what it was measured of, and when."""

    value: float
    digest: str
    commit: str | None
    time: str
    verdict: str


@dataclass(frozen=True, kw_only=True)
class Series:
    """One budget of one test.

    Attributes:
      machine: the CPU and threads, empty where the value depends on none.
      limit: of the last record.
    """

    label: str
    budget: str
    unit: str
    machine: str
    limit: float
    points: tuple[Point, ...]

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.label} {self.budget}" + (f" on {self.machine}" if self.machine else "")

    @property
    def exact(self) -> bool:
        """Whether the value is a fact of the build: then every other value is a change, without statistics."""
        return not self.machine

    @property
    def values(self) -> list[float]:
        """Oldest first."""
        return [point.value for point in self.points]


@dataclass(frozen=True, kw_only=True)
class Change:
    """A change of a series.

    Attributes:
      index: the first point after it.
      before, after: medians of the stretches on both sides.
      p_value: None where the value is exact.
    """

    series: Series
    index: int
    before: float
    after: float
    p_value: float | None

    @property
    def point(self) -> Point:
        """The first point after it."""
        return self.series.points[self.index]

    @property
    def began(self) -> Point | None:
        """The first measurement of the artifact that it began with: where the artifact changed, at the change or, since
        noise hides where exactly it is, nearest to it. None where the artifact is the same all around: then the machine
        or its libraries changed, not the model.
        """
        points = self.series.points
        around = range(max(1, self.index - _NEAR), min(len(points), self.index + _NEAR + 1))
        changed = [i for i in around if points[i].digest != points[i - 1].digest]
        return points[min(changed, key=lambda i: abs(i - self.index))] if changed else None

    @property
    def ratio(self) -> float | None:
        """After over before, None where before is 0."""
        return self.after / self.before if self.before else None

    @property
    def worse(self) -> bool:
        """Whether it went the way that the budget is against."""
        return (self.after < self.before) == self.series.budget.startswith("min_")


def all_series(records: Sequence[Record], only: str = "") -> list[Series]:
    """Every series, sorted by name.

    Args:
      only: a part of the names of those that are wanted.
    """
    found: dict[tuple[str, str, str], list[tuple[Point, str, float]]] = {}
    for record in records:
        environment = record.measurement["environment"]
        machine = f"{environment['cpu']}, {environment['threads']} threads" if environment else ""
        for budget in record.measurement["budgets"]:
            if budget["value"] is None:
                continue
            point = Point(
                value=float(budget["value"]),
                digest=str(record.measurement["artifact"]["digest"]),
                commit=record.commit,
                time=record.time,
                verdict=budget["verdict"],
            )
            key = (record.label, str(budget["name"]), machine)
            found.setdefault(key, []).append((point, budget["unit"], float(budget["limit"])))
    series = [
        Series(
            label=label,
            budget=budget,
            unit=points[-1][1],
            machine=machine,
            limit=points[-1][2],
            points=tuple(point for point, _, _ in points),
        )
        for (label, budget, machine), points in sorted(found.items())
    ]
    return [one for one in series if only in one.name]


def changes(
    series: Series,
    *,
    significance: float = SIGNIFICANCE,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
    smallest: int = SMALLEST,
    least: float = 0.0,
) -> list[Change]:
    """The changes of a series, oldest first.

    Args:
      least: changes by a smaller fraction are left out, however certain.
    """
    values = series.values
    if series.exact:
        splits: list[tuple[int, float | None]] = [
            (i, None) for i in range(1, len(values)) if values[i] != values[i - 1]
        ]
    else:
        splits = [
            (split.index, split.p_value)
            for split in change_points(
                values, significance=significance, permutations=permutations, seed=seed, smallest=smallest
            )
        ]
    bounds = [0, *(index for index, _ in splits), len(values)]
    found = []
    for number, (index, p_value) in enumerate(splits):
        before = statistics.median(values[bounds[number] : index])
        after = statistics.median(values[index : bounds[number + 2]])
        change = Change(series=series, index=index, before=before, after=after, p_value=p_value)
        if change.ratio is None or abs(change.ratio - 1) >= least:
            found.append(change)
    return found
