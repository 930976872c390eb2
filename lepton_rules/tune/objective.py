"""What a search is for: goals and constraints, as the user writes them.

    latency; accuracy_drop<=0.005
    speedup; size_ratio; accuracy>=0.97; agreement>=0.99

Items are separated by `;`. A name alone is a goal, a name with `<=` or `>=` and a number is a constraint. Names are
quantities: what is known of a trial as one number.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lepton_rules.measure.verdict import show
from lepton_rules.plugin.errors import LeptonError

_ITEM = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_.]*)\s*(?:(?P<op><=|>=|==|=|<|>)\s*(?P<limit>\S.*))?")
_NUMBER = re.compile(r"[0-9]+(\.[0-9]*)?|\.[0-9]+", re.ASCII)
_EXAMPLE = 'such as "latency; accuracy_drop<=0.005"'


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """One number of a trial.

    Attributes:
      name: as it stands in an objective.
      higher_is_better: which way a goal goes.
      measured: whether it takes a measurement on the chip, or is a fact of the build.
      doc: what it is, with its unit.
    """

    name: str
    higher_is_better: bool
    measured: bool
    doc: str


_FIXED = (
    Quantity(
        name="latency",
        higher_is_better=False,
        measured=True,
        doc="median time of an inference as a fraction of the baseline's, in adjacent pairs",
    ),
    Quantity(name="speedup", higher_is_better=True, measured=True, doc="the reverse: the baseline's time over its own"),
    Quantity(name="size_bytes", higher_is_better=False, measured=False, doc="bytes of all files of the model"),
    Quantity(
        name="size_ratio", higher_is_better=False, measured=False, doc="those bytes as a fraction of the baseline's"
    ),
    Quantity(name="parameters", higher_is_better=False, measured=False, doc="number of parameters"),
    Quantity(name="macs", higher_is_better=False, measured=False, doc="multiply-accumulates of a sample"),
)


@dataclass(frozen=True, kw_only=True)
class Constraint:
    """A bound that a trial must keep. The limit itself is within it."""

    quantity: Quantity
    at_least: bool
    limit: float

    def violation(self, values: Mapping[str, float]) -> float:
        """How far it is broken, as a fraction of the limit (of 1 where that is 0): at most 0 when it is kept."""
        value = values[self.quantity.name]
        over = self.limit - value if self.at_least else value - self.limit
        return over / abs(self.limit) if self.limit else over

    def __str__(self) -> str:
        return f"{self.quantity.name}{'>=' if self.at_least else '<='}{show(self.limit, 15)}"


@dataclass(frozen=True, kw_only=True)
class Objective:
    """Goals, each to be made as good as it can be, and constraints."""

    goals: tuple[Quantity, ...]
    constraints: tuple[Constraint, ...]

    @property
    def measured(self) -> bool:
        """Whether anything must be measured on the chip."""
        return any(quantity.measured for quantity in self.quantities)

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """All that it names, goals first, none twice."""
        found = {quantity.name: quantity for quantity in self.goals}
        for constraint in self.constraints:
            found.setdefault(constraint.quantity.name, constraint.quantity)
        return tuple(found.values())

    def goodness(self, values: Mapping[str, float]) -> tuple[float, ...]:
        """The goals' values, each turned so that less is better."""
        return tuple(-values[goal.name] if goal.higher_is_better else values[goal.name] for goal in self.goals)

    def violations(self, values: Mapping[str, float], *, cheap: bool = False) -> dict[str, float]:
        """The constraints that are broken, each with how far; with `cheap`, of the facts of the build alone."""
        found = {}
        for constraint in self.constraints:
            if cheap and constraint.quantity.measured:
                continue
            if (by := constraint.violation(values)) > 0:
                found[str(constraint)] = by
        return found

    def __str__(self) -> str:
        return "; ".join([goal.name for goal in self.goals] + [str(constraint) for constraint in self.constraints])


def quantities(metrics: Sequence[Mapping[str, object]]) -> dict[str, Quantity]:
    """Every quantity that an artifact has, by name.

    Args:
      metrics: {"name", "higher_is_better", "needs_baseline"} of each metric that the artifact computes.
    """
    found = {quantity.name: quantity for quantity in _FIXED}
    for metric in metrics:
        name, higher = str(metric["name"]), bool(metric["higher_is_better"])
        found[name] = Quantity(
            name=name, higher_is_better=higher, measured=False, doc=f"the metric {name} on the evaluation split"
        )
        if not metric["needs_baseline"]:
            change, what = ("drop", "less the artifact's") if higher else ("rise", "that it is above the baseline's")
            found[f"{name}_{change}"] = Quantity(
                name=f"{name}_{change}",
                higher_is_better=False,
                measured=False,
                doc=f"the baseline's {name}, {what}" if higher else f"the {name} {what}",
            )
    return found


def parse(text: str, known: Mapping[str, Quantity]) -> Objective:
    """Reads an objective.

    Raises:
      LeptonError: an item is neither a goal nor a constraint, a name is unknown, a number is none, a goal is there
        twice, or there is no goal.
    """
    goals: list[Quantity] = []
    constraints: list[Constraint] = []
    for item in (part.strip() for part in text.split(";")):
        if not item:
            continue
        match = _ITEM.fullmatch(item)
        if match is None:
            raise LeptonError(
                "objective",
                f"{item!r} is neither a goal nor a constraint",
                f"Write a name, or a name, <= or >=, and a number, separated by ;, {_EXAMPLE}",
            )
        quantity = _known(match["name"], known)
        if match["op"] is None:
            if quantity in goals:
                raise LeptonError("objective", f"the goal {quantity.name} is there twice", "Remove one")
            goals.append(quantity)
        else:
            constraint = _constraint(item, quantity, match["op"], match["limit"].strip())
            if any(str(constraint) == str(other) for other in constraints):
                raise LeptonError("objective", f"the constraint {constraint} is there twice", "Remove one")
            constraints.append(constraint)
    if not goals:
        raise LeptonError("objective", f"{text!r} has no goal", f"Name at least one quantity alone, {_EXAMPLE}")
    return Objective(goals=tuple(goals), constraints=tuple(constraints))


def _known(name: str, known: Mapping[str, Quantity]) -> Quantity:
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    raise LeptonError(
        "objective",
        f"there is no quantity {name!r}; "
        + (f'did you mean "{near[0]}"?' if near else f"there are {', '.join(sorted(known))}"),
        "Correct its name, or add the metric to the artifact",
    )


def _constraint(item: str, quantity: Quantity, operator: str, limit: str) -> Constraint:
    if operator not in ("<=", ">="):
        raise LeptonError("objective", f"{item!r} compares with {operator}", "Write <= or >=; the limit is within")
    if not _NUMBER.fullmatch(limit):
        raise LeptonError(
            "objective",
            f"the limit {limit!r} of {quantity.name} is not a plain decimal number",
            "Write digits, and a decimal point if needed; no sign, unit, exponent or percent sign",
        )
    value = float(limit)
    if not math.isfinite(value):
        raise LeptonError("objective", f"the limit of {quantity.name} is too large", "Write a smaller number")
    if (operator == ">=") != quantity.higher_is_better:
        right = ">=" if quantity.higher_is_better else "<="
        better = "more" if quantity.higher_is_better else "less"
        raise LeptonError(
            "objective", f"{item!r} bounds {quantity.name} on its good side: {better} is better", f"Write {right}"
        )
    return Constraint(quantity=quantity, at_least=operator == ">=", limit=value)
