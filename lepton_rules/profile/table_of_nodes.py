"""From the executions of operators to a table of nodes, and of groups of them."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence

from lepton_rules.profile.evidence import Group, Node
from lepton_rules.profile.protocol import Event, Peaks
from lepton_rules.profile.roofline import roof


def nodes(events: Sequence[Event], peaks: Peaks | None) -> list[Node]:
    """One row for each node, the slowest first. A node's time is the median of its runs."""
    by_name: dict[tuple[str, str], list[Event]] = {}
    for event in events:
        by_name.setdefault((event.node, event.operator), []).append(event)
    seconds = {}
    for key, ran in by_name.items():
        of_run: dict[int, int] = {}
        for event in ran:  # a node inside of a loop runs several times in one inference
            of_run[event.run] = of_run.get(event.run, 0) + event.duration_ns
        seconds[key] = statistics.median(of_run.values()) / 1e9
    total = sum(seconds.values()) or 1.0
    rows = []
    for key, ran in by_name.items():
        event = ran[-1]
        bound = None
        if peaks is not None:
            bound = roof(event.precision, event.operations, event.moved_bytes, peaks)
        rows.append(
            Node(
                name=event.node,
                layer=event.layer,
                operator=event.operator,
                place=event.place,
                precision=event.precision,
                seconds=seconds[key],
                share=seconds[key] / total,
                operations=event.operations,
                moved_bytes=event.moved_bytes,
                constant_bytes=event.constant_bytes,
                roof_seconds=None if bound is None else bound.seconds,
                # The clock may count whole microseconds: what takes none is at the roof.
                roof_share=None if bound is None else min(bound.seconds / max(seconds[key], 1e-9), 1.0),
                bound="" if bound is None else bound.bound,
            )
        )
    return sorted(rows, key=lambda node: (-node.seconds, node.name))


def groups(rows: Sequence[Node]) -> list[Group]:
    """The nodes of one operator, precision and place together, the slowest first."""

    def key(node: Node) -> tuple[str, str, str]:
        return node.operator, node.precision, node.place

    found = []
    for (operator, precision, place), members in itertools.groupby(sorted(rows, key=key), key):
        together = list(members)
        found.append(
            Group(
                operator=operator,
                precision=precision,
                place=place,
                nodes=len(together),
                seconds=sum(node.seconds for node in together),
                share=sum(node.share for node in together),
                roof_share=roof_share(together),
            )
        )
    return sorted(found, key=lambda group: (-group.seconds, group.operator, group.precision))


def roof_share(rows: Sequence[Node]) -> float | None:
    """Of all of them together: the least time that they could take over the time that they took."""
    if not rows or any(node.roof_seconds is None for node in rows):
        return None
    taken = sum(node.seconds for node in rows)
    return min(sum(node.roof_seconds or 0.0 for node in rows) / taken, 1.0) if taken else None
