"""The BUILD file of a batch of trials: one target for each step that differs, shared by the trials that begin alike.

A target's name is a digest of all that leads to it, so that a trial that was built once is found again in Bazel's
cache, whatever batch it stands in.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lepton_rules.manifest import canonical_json
from lepton_rules.tune.space import Candidate, Space

_DIGITS = 20


@dataclass(frozen=True, kw_only=True)
class Node:
    """One lepton_trial. `start` counts where there is no parent; `step` is -1 for a model that is taken as it is."""

    name: str
    parent: str | None
    start: int
    step: int
    changes: Mapping[str, Any]


class Targets:
    """Makes the targets of candidates."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.baseline = self.chain(space.baseline())[-1].name

    def chain(self, candidate: Candidate) -> list[Node]:
        """The targets that lead to a candidate, itself last. What equals the artifact's own first steps is not built
        again.
        """
        steps = [step for step in range(len(self.space.steps)) if step not in candidate.without]
        start = 0
        while start < len(steps) and steps[start] == start and not candidate.changes.get(start):
            start += 1
        if start == len(steps):
            return [Node(name=self._name(candidate, steps, "as it is"), parent=None, start=start, step=-1, changes={})]
        nodes: list[Node] = []
        for position in range(start, len(steps)):
            nodes.append(
                Node(
                    name=self._name(candidate, steps[: position + 1], "made"),
                    parent=nodes[-1].name if nodes else None,
                    start=0 if nodes else start,
                    step=steps[position],
                    changes=dict(candidate.changes.get(steps[position], {})),
                )
            )
        return nodes

    def build_file(self, candidates: Sequence[Candidate]) -> str:
        """The BUILD file of the candidates and of the baseline."""
        facts = self.space.facts
        nodes: dict[str, Node] = {}
        leaves = set()
        for candidate in [self.space.baseline(), *candidates]:
            chain = self.chain(candidate)
            nodes |= {node.name: node for node in chain}
            leaves.add(chain[-1].name)
        lines = [
            f"# Trials of {facts['artifact']}, written by its .tune: not edited by hand.",
            f'load({json.dumps(facts["trial_rule"])}, "lepton_trial")',
        ]
        for node in nodes.values():
            attributes = {
                "name": node.name,
                "artifact": facts["tune"],
                "seed": facts["seed"],
                "step": node.step,
                "testonly": True,
                "threads": facts["threads"],
            }
            if node.parent is not None:
                attributes["parent"] = f":{node.parent}"
            if node.start:
                attributes["start"] = node.start
            if node.changes:
                attributes["config"] = json.dumps(node.changes, sort_keys=True)
            if node.name in leaves:
                attributes["evaluate"] = True
                if node.name != self.baseline:
                    attributes["baseline"] = f":{self.baseline}"
            lines += ["", "lepton_trial("]
            lines += [f"    {key} = {starlark(value)}," for key, value in attributes.items()]
            lines.append(")")
        return "\n".join(lines) + "\n"

    def _name(self, candidate: Candidate, steps: Sequence[int], how: str) -> str:
        facts = self.space.facts
        content = {
            "artifact": facts["tune"],
            "hardware": facts["hardware"],
            "how": how,
            "seed": facts["seed"],
            "steps": [
                [
                    self.space.steps[step]["plugin_label"],
                    self.space.steps[step]["name"],
                    self.space.config(candidate, step),
                ]
                for step in steps
            ],
            "threads": facts["threads"],
        }
        return f"{facts['name']}/{hashlib.sha256(canonical_json(content).encode()).hexdigest()[:_DIGITS]}"


def starlark(value: Any) -> str:
    """A JSON value as Starlark writes it."""
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(starlark(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k, ensure_ascii=False)}: {starlark(v)}" for k, v in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)
