"""Plots as SVG that belongs in a page: matplotlib draws them, the page's style colours them.

The same data give the same bytes: no date, ids from a fixed salt, fonts that matplotlib brings. Text stays text, in the
page's font. Colours are the page's variables, so that a plot is legible in the light, in the dark and in print;
matplotlib takes no variables, so it draws in colours that stand for them.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = {
    "#010101": "var(--ink)",
    "#020202": "var(--line)",
    "#030303": "var(--faint)",
    "#040404": "var(--one)",
    "#050505": "var(--two)",
}
INK, LINE, FAINT, ONE, TWO = _COLOURS
_WIDTH = 5.2  # inches of 72 points: text keeps its size on a narrow screen
_LONGEST = 34
_FONT = "DejaVu Sans"


def pareto(points: Sequence[Mapping[str, Any]], x: str, name: str) -> str:
    """Artifacts, by number, at a cost ("bytes" or "latency_ms") and the metric; the dominated are hollow and faint.

    Args:
      points: each with its "number", and those of the report.
    """
    label = {"bytes": "size, MB", "latency_ms": "median latency, ms"}[x]
    scale = {"bytes": 1e-6, "latency_ms": 1.0}[x]

    def draw(axes: Axes) -> None:
        for point in points:
            colour = FAINT if point["dominated"] else ONE
            style = "none" if point["dominated"] else "full"
            axes.plot(point[x] * scale, point["value"], "o", color=colour, markersize=8, fillstyle=style)
        axes.set_xscale("log")
        _plain_ticks(axes)
        axes.margins(0.15)
        for at, numbers in _together(points, x).items():
            axes.annotate(
                ", ".join(map(str, numbers)),
                (at[0] * scale, at[1]),
                textcoords="offset points",
                xytext=(0, 8),
                ha="center",
                color=INK,
            )
        axes.set_xlabel(label + " (less is better)")
        axes.set_ylabel(str(points[0]["metric"]))

    return _svg(draw, f"{name} by {label}", 3.0)


def _together(points: Sequence[Mapping[str, Any]], x: str) -> dict[tuple[float, float], list[int]]:
    """Numbers by place; what lies closer than a mark is wide shares one."""
    found: dict[tuple[float, float], list[int]] = {}
    height = max(point["value"] for point in points) - min(point["value"] for point in points)
    for point in points:
        for (other_x, other_y), numbers in found.items():
            near = 0.9 < point[x] / max(other_x, 1e-12) < 1.1
            if near and abs(point["value"] - other_y) <= 0.03 * height:
                numbers.append(point["number"])
                break
        else:
            found[(point[x], point["value"])] = [point["number"]]
    return found


def histogram(values: Sequence[float], baseline: Sequence[float], name: str) -> str:
    """Latencies in milliseconds; the baseline's beside them, where there are some."""

    def draw(axes: Axes) -> None:
        both = sorted([*values, *baseline])
        # The slowest hundredth would leave one bar for all others.
        most = both[min(len(both) - 1, int(len(both) * 0.99))]
        least = both[0]
        if most <= least:
            most = least * 1.01 + 1e-9
        bins = [least + (most - least) * step / 40 for step in range(41)]
        if baseline:
            axes.hist([min(v, most) for v in baseline], bins=bins, color=TWO, label="baseline")
        axes.hist([min(v, most) for v in values], bins=bins, color=ONE, label="artifact")
        axes.set_xlabel("latency, ms" + (" (the last bar holds all above)" if both[-1] > most else ""))
        axes.set_ylabel("inferences")
        if baseline:
            axes.legend(frameon=False, labelcolor=INK)

    return _svg(draw, f"histogram of latencies of {name}", 2.6)


def run_order(values: Sequence[float], baseline: Sequence[float], name: str) -> str:
    """Latencies in the order in which they were measured: drift and disturbances show."""

    def draw(axes: Axes) -> None:
        if baseline:
            axes.plot(range(len(baseline)), baseline, ".", color=TWO, markersize=4, label="baseline")
        axes.plot(range(len(values)), values, ".", color=ONE, markersize=4, label="artifact")
        axes.set_xlabel("order of measurement")
        axes.set_ylabel("latency, ms")
        axes.set_ylim(bottom=0)

    return _svg(draw, f"latencies of {name} in run order", 2.6)


def lineage(steps: Sequence[Mapping[str, Any]], name: str) -> str:
    """Megabytes after each pass."""
    known = [step for step in steps if step["bytes"] is not None]
    return bars([step["pass"] for step in known], [step["bytes"] / 1e6 for step in known], "MB", f"size of {name}")


def bars(names: Sequence[str], values: Sequence[float], unit: str, title: str, colour: str = ONE) -> str:
    """Horizontal bars, the first on top, each with its figure."""

    def draw(axes: Axes) -> None:
        places = range(len(names))
        axes.barh(places, values, color=colour, height=0.62)
        axes.set_yticks(places, [short(name) for name in names])
        axes.invert_yaxis()
        axes.set_xlabel(unit)
        axes.set_xlim(right=max([*values, 1e-9]) * 1.18)
        for place, value in zip(places, values, strict=True):
            axes.annotate(
                f"{value:.3g}",
                (max(value, 0), place),
                textcoords="offset points",
                xytext=(4, 0),
                va="center",
                color=INK,
            )

    return _svg(draw, title, 0.9 + 0.26 * len(names))


def short(name: str) -> str:
    """A label without its package; the middle of a long name is left out."""
    own = name.rpartition(":")[2] if name.startswith(("//", "@")) else name
    return own if len(own) <= _LONGEST else f"{own[: _LONGEST // 2]}…{own[-_LONGEST // 2 :]}"


def _svg(draw: Callable[[Axes], None], title: str, height: float) -> str:
    """What goes into a page: no declaration, no size, no id that nothing refers to."""
    with _matplotlib(title) as figure_of:
        figure = figure_of((_WIDTH, height))
        axes = figure.subplots()
        axes.set_facecolor("none")
        draw(axes)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    used = set(re.findall(r'(?:url\(#|href="#)([^")]+)', text))
    text = re.sub(r' id="([^"]*)"', lambda match: match[0] if match[1] in used else "", text)
    text = text.replace(f"font-family: '{_FONT}'; ", "")  # the page's own, in the same size
    for stands_for, variable in _COLOURS.items():
        text = text.replace(stands_for, variable)
    return text.replace("<svg", f'<svg role="img" aria-label="{_attribute(title)}"', 1).strip()


def _attribute(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")


def _plain_ticks(axes: Axes) -> None:
    """Numbers on a logarithmic axis as people write them."""
    from matplotlib.ticker import FuncFormatter, LogLocator

    axes.xaxis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(FuncFormatter(lambda *_: ""))


@contextlib.contextmanager
def _matplotlib(salt: str) -> Iterator[Callable[[tuple[float, float]], Any]]:
    """Gives what makes a figure, under our settings."""
    _import()
    import matplotlib as mpl
    from matplotlib.figure import Figure

    settings: Any = {
        "svg.fonttype": "none",
        "svg.hashsalt": f"lepton {salt}",
        "font.family": _FONT,
        "font.size": 9,
        "text.color": INK,
        "text.parse_math": False,  # a name may hold a dollar sign
        "axes.labelcolor": INK,
        "axes.edgecolor": LINE,
        "axes.unicode_minus": False,
        "xtick.color": LINE,
        "ytick.color": LINE,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
    }
    with mpl.rc_context(settings):
        yield lambda size: Figure(figsize=size, layout="constrained")


def _import() -> None:
    """Imports matplotlib with a folder of its own for what it keeps, and with its own fonts alone."""
    if "MPLCONFIGDIR" not in os.environ:
        # Nobody's settings, and nothing left behind in a home that an action may not have.
        folder = tempfile.mkdtemp(prefix="lepton-matplotlib-")
        os.environ["MPLCONFIGDIR"] = folder
    import matplotlib as mpl
    from matplotlib import font_manager

    own = Path(mpl.get_data_path()).resolve()
    manager = font_manager.fontManager
    if any(not Path(entry.fname).resolve().is_relative_to(own) for entry in manager.ttflist):
        manager.ttflist = [entry for entry in manager.ttflist if Path(entry.fname).resolve().is_relative_to(own)]
