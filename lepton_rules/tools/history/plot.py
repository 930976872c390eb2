"""Series as one SVG file: the same bytes for the same history."""

from __future__ import annotations

import io
import itertools
import statistics
from collections.abc import Sequence
from typing import Any

from lepton_rules.tools.history.series import Change, Series

_WIDTH = 9.0
_HEIGHT = 2.6


def svg(series: Sequence[tuple[Series, Sequence[Change]]]) -> bytes:
    """A panel for each series: its points, the limit, the level of each stretch, and each change with its digest."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    settings = {
        "svg.hashsalt": "lepton_rules",
        "svg.fonttype": "none",
        "font.size": 8,
        "axes.grid": True,
        "grid.alpha": 0.3,
    }
    with matplotlib.rc_context(settings):
        figure, panels = pyplot.subplots(
            len(series), 1, figsize=(_WIDTH, _HEIGHT * len(series)), squeeze=False, constrained_layout=True
        )
        for (one, changes), panel in zip(series, panels[:, 0], strict=True):
            _panel(panel, one, changes)
        content = io.BytesIO()
        figure.savefig(content, format="svg", metadata={"Date": None, "Creator": "lepton_rules"})
        pyplot.close(figure)
    return content.getvalue()


def _panel(panel: object, series: Series, changes: Sequence[Change]) -> None:
    axes: Any = panel
    values = series.values
    axes.plot(range(len(values)), values, "o", markersize=3, color="#3b6ea5", label=series.unit)
    axes.axhline(series.limit, linestyle="--", linewidth=1, color="#777777", label="limit")
    bounds = [0, *(change.index for change in changes), len(values)]
    for start, end in itertools.pairwise(bounds):
        level = statistics.median(values[start:end])
        axes.plot([start - 0.4, end - 0.6], [level, level], color="#3b6ea5", linewidth=1.5)
    for change in changes:
        color = "#b3401f" if change.worse else "#2e7d32"
        axes.axvline(change.index - 0.5, color=color, linewidth=1)
        name = (change.began or change.point).digest.removeprefix("sha256:")[:10]
        axes.annotate(
            name,
            (change.index - 0.5, 1.0),
            xycoords=("data", "axes fraction"),
            fontsize=7,
            color=color,
            ha="center",
            va="bottom",
        )
    axes.set_title(series.name, loc="left", fontsize=8, pad=12)
    axes.set_ylabel(series.unit)
    axes.set_xticks(_ticks(len(values)))
    axes.set_xticklabels([_short(series.points[i].commit, series.points[i].time) for i in _ticks(len(values))])


def _ticks(count: int) -> list[int]:
    step = max(1, -(-count // 6))
    return list(range(0, count, step))


def _short(commit: str | None, time: str) -> str:
    return commit[:8] if commit else time[:10]
