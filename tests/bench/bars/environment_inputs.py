"""How many inputs a Python environment adds to an action."""

from __future__ import annotations

from harness import main_job
from harness.aquery import inputs
from harness.bar import Bar, Options, at_most
from harness.bazel import TREE, Bazel


def measure(options: Options) -> list[Bar]:
    """The most over every action of the main job that runs in an environment, counted from `aquery`."""
    bazel = Bazel(TREE, options.folder / "base", rc=options.rc)
    actions = inputs(bazel, main_job.ACTIONS)
    bazel.shutdown()
    most = max(sum("~lepton~lepton_rules_" in path for path in action.inputs) for action in actions)
    least = min(sum("~lepton~lepton_rules_" in path for path in action.inputs) for action in actions)
    bar = at_most("inputs of the environment", most, 4, "inputs", f"the most over {len(actions)} actions")
    return [bar if least else Bar(bar.name, bar.goal, most, bar.unit, False, "an action has no environment")]
