"""How many inputs a Python environment adds to an action."""

from __future__ import annotations

from typing import Any

from harness.bar import Bar, Options
from harness.bazel import TREE, Bazel


def _paths(answer: dict[str, Any]) -> dict[int, str]:
    fragments = {f["id"]: f for f in answer["pathFragments"]}

    def spell(number: int) -> str:
        fragment = fragments[number]
        parent = fragment.get("parentId")
        return (spell(parent) + "/" if parent else "") + str(fragment["label"])

    return {a["id"]: spell(a["pathFragmentId"]) for a in answer["artifacts"]}


def measure(options: Options) -> list[Bar]:
    """The most over every LeptonRun action of the main job, counted from `aquery`."""
    bazel = Bazel(TREE, options.folder / "base", rc=TREE / ".bazelrc")
    answer = bazel.actions('mnemonic("LeptonRun", deps(//models:resnet_int8_gpu))')
    paths = _paths(answer)
    sets = {s["id"]: s for s in answer["depSetOfFiles"]}

    def files(number: int) -> set[str]:
        node = sets[number]
        found = {paths[a] for a in node.get("directArtifactIds", [])}
        for child in node.get("transitiveDepSetIds", []):
            found |= files(child)
        return found

    most = 0
    for action in answer["actions"]:
        inputs: set[str] = set()
        for number in action["inputDepSetIds"]:
            inputs |= files(number)
        most = max(most, sum("lepton~lepton_rules_" in path for path in inputs))
    bazel.shutdown()
    how = f"aquery, the most over {len(answer['actions'])} actions"
    return [Bar("inputs of the environment", "<= 4", most, "inputs", 0 < most <= 4, how)]
