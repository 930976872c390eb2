"""A build of the main job with nothing to do, against DVC with the same steps."""

from __future__ import annotations

import re
import statistics

from harness.aquery import inputs
from harness.bar import Bar, Options, at_least, at_most
from harness.bazel import TREE, Bazel, run
from harness.dvc import pipeline

_TARGET = "//models:all"
_ROUNDS = 11


def measure(options: Options) -> list[Bar]:
    """Both in turn, so that both meet the same machine."""
    bazel = Bazel(TREE, options.folder / "base", rc=options.rc)
    bazel.run("build", _TARGET)
    steps = inputs(bazel, f'mnemonic("Lepton.*", deps({_TARGET}))')
    program, project = pipeline(options.folder, steps)
    bazel.run("build", _TARGET)
    ours, theirs, actions = [], [], 0
    for _ in range(_ROUNDS):
        again = bazel.run("build", _TARGET)
        ours.append(again.seconds)
        found = re.search(r"INFO: Build completed successfully, (\d+) total action", again.output)
        # The one that Bazel counts in every build writes its build-info files.
        actions = max(actions, int(found[1]) - 1 if found else 1)
        theirs.append(run([program, "repro", "-q"], cwd=project).seconds)
    bazel.shutdown()
    mine, dvc = statistics.median(ours), statistics.median(theirs)
    how = f"build {_TARGET} again, median of {_ROUNDS}"
    return [
        at_most("no-op, actions", actions, 0, "actions", how),
        at_most("no-op, time", mine, 0.4, "s", how),
        at_least("no-op, against DVC", dvc / mine, 5, "x", f"dvc repro of {len(steps)} stages in turn: {dvc:.2f} s"),
    ]
