"""A trace for Perfetto (https://ui.perfetto.dev) and chrome://tracing.

The Trace Event Format's complete events ("ph": "X"), times in microseconds: one row of inferences, one of operators.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from lepton_rules.profile.evidence import Node
from lepton_rules.profile.protocol import Event

_PROCESS = 1
_INFERENCES, _OPERATORS = 1, 2


def trace(label: str, events: Sequence[Event], nodes: Sequence[Node]) -> bytes:
    """The file's content. What the profile knows of a node stands in its `args`."""
    known = {(node.name, node.operator): node for node in nodes}
    rows: list[dict[str, object]] = [
        _name("process_name", 0, label),
        _name("thread_name", _INFERENCES, "inferences"),
        _name("thread_name", _OPERATORS, "operators"),
    ]
    spans: dict[int, tuple[int, int]] = {}
    for event in events:
        start, end = spans.get(event.run, (event.start_ns, 0))
        spans[event.run] = (min(start, event.start_ns), max(end, event.start_ns + event.duration_ns))
    for run, (start, end) in sorted(spans.items()):
        rows.append(_span(_INFERENCES, f"inference {run}", "inference", start, end - start, {}))
    for event in events:
        node = known[event.node, event.operator]
        facts = {
            "node": event.node,
            "layer": event.layer,
            "place": event.place,
            "precision": event.precision,
            "operations": event.operations,
            "moved_bytes": event.moved_bytes,
            "share_of_roofline": node.roof_share,
            "bound": node.bound,
        }
        rows.append(_span(_OPERATORS, event.operator, "operator", event.start_ns, event.duration_ns, facts))
    return json.dumps({"traceEvents": rows, "displayTimeUnit": "ns"}, allow_nan=False).encode()


def _span(thread: int, name: str, category: str, start_ns: int, duration_ns: int, facts: object) -> dict[str, object]:
    return {
        "ph": "X",
        "pid": _PROCESS,
        "tid": thread,
        "name": name,
        "cat": category,
        "ts": start_ns / 1000,
        "dur": duration_ns / 1000,
        "args": facts,
    }


def _name(kind: str, thread: int, name: str) -> dict[str, object]:
    return {"ph": "M", "pid": _PROCESS, "tid": thread, "name": kind, "args": {"name": name}}
