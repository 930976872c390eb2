"""The actions that `bazel aquery` prints."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.bazel import Bazel


@dataclass(frozen=True)
class Action:
    """An action.

    Attributes:
      mnemonic: its kind.
      inputs: relative to the execution root, as are `outputs`.
      words: its command line, with what a parameter file would hold.
      variables: of its environment.
    """

    mnemonic: str
    inputs: frozenset[str]
    outputs: tuple[str, ...]
    words: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)


def inputs(bazel: Bazel, expression: str) -> list[Action]:
    """The actions of an expression that have their outputs in bazel-bin: those that are there only to ask whether a
    chip is here have others, and never run. Decodes ActionGraphContainer of Bazel's analysis_v2.proto."""
    graph: Mapping[str, Any] = json.loads(bazel.query("aquery", "--output=jsonproto", expression).output)
    fragments = {fragment["id"]: fragment for fragment in graph["pathFragments"]}

    def path(number: int) -> str:
        parts: list[str] = []
        while number:
            parts.append(fragments[number]["label"])
            number = fragments[number].get("parentId", 0)
        return "/".join(reversed(parts))

    paths = {artifact["id"]: path(artifact["pathFragmentId"]) for artifact in graph["artifacts"]}
    sets = {found["id"]: found for found in graph["depSetOfFiles"]}

    def collect(numbers: list[int]) -> frozenset[str]:
        seen: set[int] = set()
        found: set[str] = set()
        while numbers:
            number = numbers.pop()
            if number not in seen:
                seen.add(number)
                found.update(paths[artifact] for artifact in sets[number].get("directArtifactIds", []))
                numbers += sets[number].get("transitiveDepSetIds", [])
        return frozenset(found)

    actions = [
        Action(
            action["mnemonic"],
            collect(list(action.get("inputDepSetIds", []))),
            tuple(paths[output] for output in action["outputIds"]),
            tuple(action.get("arguments", [])),
            {each["key"]: each.get("value", "") for each in action.get("environmentVariables", [])},
        )
        for action in graph["actions"]
    ]
    root = "/".join(bazel.bin().parts[-3:]) + "/"
    return [action for action in actions if action.outputs[0].startswith(root)]
