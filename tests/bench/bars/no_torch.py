"""What needs no torch imports none: the verdicts of size tests, and what manifests are read with."""

from __future__ import annotations

import re

from harness.aquery import inputs
from harness.bar import Bar, Options, at_most
from harness.bazel import TREE, Bazel, run

_PREFIX = re.compile(r"external/[^/]*~lepton~lepton_rules_([a-z_]+)/prefix$")
_HEAVY = ("torch", "onnx", "onnxruntime", "numpy")


def measure(options: Options) -> list[Bar]:
    """The environments of the verdicts of the main job's size tests, from `aquery`; whether torch or the like can be
    imported in them is asked of their Python."""
    bazel = Bazel(TREE, options.folder / "base", rc=options.rc)
    # A test's verdict alone: what it judges is made in other environments.
    tests = bazel.query("query", 'kind("lepton_size_test", //models/...)').output.split()
    actions = [
        action
        for test in tests
        for action in inputs(bazel, f'mnemonic("LeptonVerdict", {test})')
        if action.mnemonic == "LeptonVerdict"
    ]
    base = bazel.base
    bazel.shutdown()
    heavy = 0
    for action in actions:
        prefixes = [path for path in action.inputs if _PREFIX.search(path)]
        program = f"import importlib.util as u; print(*[m for m in {_HEAVY} if u.find_spec(m)])"
        found = [
            run([base / path / "bin" / "python3", "-I", "-c", program], cwd=base).output.split() for path in prefixes
        ]
        heavy += len(found) != 1 or bool(found[0])
    how = f"{len(actions)} verdicts of {len(tests)} size tests; their Python has no {', '.join(_HEAVY)}"
    bar = at_most("size tests that import torch", heavy, 0, "actions", how)
    return [bar if actions else Bar(bar.name, bar.goal, heavy, bar.unit, False, "there is no verdict")]
