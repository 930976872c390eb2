"""A series in a terminal: its points as a chart of characters, and its changes as lines."""

from __future__ import annotations

from collections.abc import Sequence

from lepton_rules.measure.verdict import show
from lepton_rules.tools.history.series import Change, Series

_HEIGHT = 8
_WIDTH = 72


def chart(series: Series, found: Sequence[Change]) -> str:
    """Points as `o`, changes as `|` above them, the limit as `-`. Of many points only the last are shown."""
    first = max(0, len(series.points) - _WIDTH)
    values = series.values[first:]
    low, high = min(*values, series.limit, values[0]), max(*values, series.limit, values[0])
    span = high - low or abs(high) or 1.0

    def row(value: float) -> int:
        return round((value - low) / span * (_HEIGHT - 1))

    marks = {change.index - first for change in found if change.index >= first}
    lines = [f"{series.name} ({series.unit})"]
    for height in reversed(range(_HEIGHT)):
        cells = []
        for index, value in enumerate(values):
            if row(value) == height:
                cells.append("o")
            elif row(series.limit) == height:
                cells.append("-")
            else:
                cells.append("|" if index in marks else " ")
        edge = {_HEIGHT - 1: show(high, 4), 0: show(low, 4)}.get(height, "")
        lines.append(f"{edge:>10} {''.join(cells).rstrip()}".rstrip())
    return "\n".join(lines)


def told(change: Change) -> str:
    """One change, and what it began with."""
    began = change.began
    ratio = "" if change.ratio is None else f" ({100 * (change.ratio - 1):+.1f} %)"
    sure = "exact" if change.p_value is None else f"p {change.p_value:.3g}"
    what = f"{change.series.name}: {show(change.before, 4)} to {show(change.after, 4)} {change.series.unit}{ratio}"
    if began is None:
        where = f"all of one artifact, {change.point.digest}: the machine or its libraries changed"
    else:
        where = f"began with {began.digest}"
    at = began or change.point
    commit = f", commit {at.commit}" if at.commit else ""
    return f"{what}, {sure}, {'worse' if change.worse else 'better'}\n  {where}{commit}, at {at.time}"
