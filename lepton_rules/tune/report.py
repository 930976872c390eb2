"""What a search prints: a line for each trial, the front, all that was tried, and the choice."""

from __future__ import annotations

import json
from collections.abc import Sequence

from lepton_rules.measure.table import table
from lepton_rules.measure.verdict import show
from lepton_rules.tune.objective import Objective
from lepton_rules.tune.space import Candidate, Space
from lepton_rules.tune.trial import MEASURED, Trial, front

_NONE = "-"


def changes(space: Space, candidate: Candidate) -> str:
    """How a candidate differs from the recipe, on one line."""
    parts = [f"without {_qualified(space, step)}" for step in candidate.without]
    for step, fields in sorted(candidate.changes.items()):
        parts += [f"{_qualified(space, step)}.{name}={_shown(value)}" for name, value in sorted(fields.items())]
    return " ".join(parts) or "the recipe as it is"


def line(trial: Trial, space: Space, objective: Objective) -> str:
    """One trial as it is known."""
    name = f"trial {trial.name}" if trial.name.isdecimal() else trial.name
    values = " ".join(f"{q.name}={_value(trial, q.name)}" for q in objective.quantities if q.name in trial.values)
    what = "the model without passes" if trial.name == "baseline" else changes(space, trial.candidate)
    outcome = "" if trial.outcome == MEASURED else f" {trial.outcome}"
    why = f" ({trial.why})" if trial.why else ""
    return f"{name}{outcome}: {values}{'; ' if values else ''}{what}{why}"


def report(
    trials: Sequence[Trial], references: Sequence[Trial], space: Space, objective: Objective, chosen: Trial | None
) -> str:
    """The tables of the end."""
    names = [quantity.name for quantity in objective.quantities]
    best = front([*references[1:], *trials], objective)
    lines = [f"objective: {objective}", "", f"Pareto front ({len(best)} of {len(trials)} trials and the recipe)"]
    head = ["", "trial", *names, "speedup bounds", "changes"]
    lines.append(
        _table(head, [_row(t, names, space, chosen) for t in best]) if best else "nothing keeps the constraints"
    )
    rest = [t for t in [*references, *trials] if t not in best]
    if rest:
        lines += ["", "all others", _table(head, [_row(t, names, space, chosen) for t in rest])]
    return "\n".join(lines) + "\n"


def _table(head: list[str], rows: list[list[str]]) -> str:
    return table(head, rows, right=range(2, len(head) - 2))


def _row(trial: Trial, names: Sequence[str], space: Space, chosen: Trial | None) -> list[str]:
    what = "the model without passes" if trial.name == "baseline" else changes(space, trial.candidate)
    note = f"{trial.outcome}: {trial.why}" if trial.outcome != MEASURED else trial.why
    bounds = f"{show(trial.interval[0], 3)} to {show(trial.interval[1], 3)}" if trial.interval else _NONE
    return [
        "*" if chosen is not None and trial.name == chosen.name else "",
        trial.name,
        *(_value(trial, name) for name in names),
        bounds,
        f"{what} ({note})" if note else what,
    ]


def _value(trial: Trial, name: str) -> str:
    return show(trial.values[name], 4) if name in trial.values else _NONE


def _qualified(space: Space, step: int) -> str:
    return f"{space.steps[step]['plugin']}.{space.steps[step]['name']}"


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
