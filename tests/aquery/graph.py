"""The action graph that `bazel aquery` prints, and the actions that a build has run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bazel import Bazel


@dataclass(frozen=True)
class Action:
    """One action.

    Attributes:
      name: the folder of the model that it makes, else its first output.
      mnemonic: its kind.
      key: the digest of its command line and environment.
      arguments: its command line, with the lines of its flag files in place of their names.
      inputs: paths relative to the execution root.
      outputs: the same.
      environment: its environment variables.
      requirements: its execution requirements.
    """

    name: str
    mnemonic: str
    key: str
    arguments: tuple[str, ...]
    inputs: frozenset[str]
    outputs: tuple[str, ...]
    environment: Mapping[str, str]
    requirements: Mapping[str, str]


def _name(outputs: Iterable[str]) -> str:
    """The name of an action, relative to bazel-bin."""
    return min(outputs).split("/", 3)[3].removesuffix("/manifest.json")


def actions(bazel: Bazel, target: str) -> dict[str, Action]:
    """The actions that a target and its dependencies have, by name."""
    flags = ["--output=jsonproto", "--include_param_files", "--noinclude_aspects"]
    graph = json.loads(bazel.output("aquery", *flags, f'mnemonic("Lepton.*", deps({target}))'))
    return {action.name: action for action in _Graph(graph).actions()}


@dataclass(frozen=True)
class Spawn:
    """An action that ran.

    Attributes:
      arguments: its command line as Bazel started it.
      tools: those of its inputs with which a worker is started, and restarted when they change.
    """

    arguments: tuple[str, ...]
    tools: frozenset[str]


def executed(bazel: Bazel, *arguments: str, log: Path) -> dict[str, Spawn]:
    """Builds, and returns the actions that ran, by name."""
    result = bazel.run("build", f"--execution_log_json_file={log}", *arguments)
    assert result.status == 0, result.output
    decoder, text, at, spawns = json.JSONDecoder(), log.read_text("utf-8"), 0, {}
    while at < len(text):
        spawn, at = decoder.raw_decode(text, at)
        at += len(text[at:]) - len(text[at:].lstrip())
        spawns[_name(spawn["listedOutputs"])] = Spawn(
            arguments=tuple(spawn["commandArgs"]),
            tools=frozenset(file["path"] for file in spawn["inputs"] if file.get("isTool")),
        )
    return spawns


class _Graph:
    """Decodes the message ActionGraphContainer, of src/main/protobuf/analysis_v2.proto in Bazel."""

    def __init__(self, graph: Mapping[str, Any]) -> None:
        self._graph = graph
        self._fragments = {fragment["id"]: fragment for fragment in graph["pathFragments"]}
        self._paths = {artifact["id"]: self._path(artifact["pathFragmentId"]) for artifact in graph["artifacts"]}
        self._sets = {found["id"]: found for found in graph["depSetOfFiles"]}

    def actions(self) -> list[Action]:
        return [self._action(action) for action in self._graph["actions"]]

    def _action(self, action: Mapping[str, Any]) -> Action:
        outputs = tuple(self._paths[output] for output in action["outputIds"])
        inputs: set[str] = set()
        for found in action.get("inputDepSetIds", []):
            self._collect(found, inputs)
        return Action(
            name=_name(outputs),
            mnemonic=action["mnemonic"],
            key=action["actionKey"],
            arguments=tuple(action.get("arguments", [])),
            inputs=frozenset(inputs),
            outputs=outputs,
            environment=self._pairs(action.get("environmentVariables", [])),
            requirements=self._pairs(action.get("executionInfo", [])),
        )

    def _pairs(self, pairs: list[dict[str, str]]) -> dict[str, str]:
        return {pair["key"]: pair.get("value", "") for pair in pairs}

    def _path(self, fragment: int) -> str:
        parts: list[str] = []
        while fragment:
            parts.append(self._fragments[fragment]["label"])
            fragment = self._fragments[fragment].get("parentId", 0)
        return "/".join(reversed(parts))

    def _collect(self, found: int, into: set[str]) -> None:
        into.update(self._paths[artifact] for artifact in self._sets[found].get("directArtifactIds", []))
        for inner in self._sets[found].get("transitiveDepSetIds", []):
            self._collect(inner, into)
