"""What is measured, as Prometheus reads it: the text format, version 0.0.4
(https://prometheus.io/docs/instrumenting/exposition_formats/).
"""

from __future__ import annotations

import bisect
import threading
from collections.abc import Mapping, Sequence

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Upper ends of the buckets of durations."""


class Registry:
    """Families of metrics by name; safe to use from several threads.

    A name that is used again is the same metric, with other labels another line of it.
    """

    def __init__(self, labels: Mapping[str, str]) -> None:
        """`labels` stand on every line."""
        self._labels = dict(labels)
        self._lock = threading.Lock()
        self._values: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
        self._histograms: dict[str, tuple[list[int], list[float]]] = {}
        self._help: dict[str, tuple[str, str]] = {}

    def gauge(self, name: str, doc: str, value: float, **labels: str) -> None:
        """Sets what goes up and down."""
        with self._lock:
            self._help[name] = ("gauge", doc)
            self._values.setdefault(name, {})[tuple(sorted(labels.items()))] = value

    def count(self, name: str, doc: str, more: float = 1.0, **labels: str) -> None:
        """Adds to what only goes up."""
        with self._lock:
            self._help[name] = ("counter", doc)
            values = self._values.setdefault(name, {})
            key = tuple(sorted(labels.items()))
            values[key] = values.get(key, 0.0) + more

    def observe(self, name: str, doc: str, seconds: float) -> None:
        """Counts one duration in a histogram."""
        with self._lock:
            self._help[name] = ("histogram", doc)
            buckets, total = self._histograms.setdefault(name, ([0] * (len(SECONDS) + 1), [0.0]))
            buckets[bisect.bisect_left(SECONDS, seconds)] += 1
            total[0] += seconds

    def text(self) -> str:
        """The whole of it."""
        lines: list[str] = []
        with self._lock:
            for name, (kind, doc) in sorted(self._help.items()):
                lines += [f"# HELP {name} {_escape_help(doc)}", f"# TYPE {name} {kind}"]
                if kind == "histogram":
                    lines += self._histogram(name)
                else:
                    values = sorted(self._values[name].items())
                    lines += [f"{name}{self._braces(key)} {_number(value)}" for key, value in values]
        return "\n".join(lines) + "\n"

    def _histogram(self, name: str) -> list[str]:
        buckets, total = self._histograms[name]
        lines = []
        seen = 0
        for end, count in zip((*map(_number, SECONDS), "+Inf"), buckets, strict=True):
            seen += count
            lines.append(f"{name}_bucket{self._braces([('le', end)])} {seen}")
        return [*lines, f"{name}_sum{self._braces([])} {_number(total[0])}", f"{name}_count{self._braces([])} {seen}"]

    def _braces(self, labels: Sequence[tuple[str, str]]) -> str:
        both = sorted(self._labels.items()) + list(labels)
        return "{" + ",".join(f'{name}="{_escape(value)}"' for name, value in both) + "}" if both else ""


def _number(value: float) -> str:
    return repr(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _escape_help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")
