"""A build of the main job with nothing to do, against DVC with the same steps and Bazel with none."""

from __future__ import annotations

import re
import statistics

from harness import main_job
from harness.aquery import inputs
from harness.bar import Bar, Options, at_least, at_most
from harness.bazel import TREE, Bazel, Broken, run, write
from harness.dvc import pipeline, program

_ROUNDS = 11


def measure(options: Options) -> list[Bar]:
    """All in turn, so that they meet the same machine. The third is a build of one file in a workspace with nothing
    else: what Bazel's client and server take for themselves."""
    bazel = Bazel(TREE, options.folder / "base", rc=options.rc)
    bazel.run("build", *main_job.TARGETS)
    steps = inputs(bazel, main_job.ACTIONS)
    dvc, project = program(options.folder), options.folder / "dvc_project"
    pipeline(dvc, project, bazel, steps)
    folder = options.folder / "empty"
    write(folder / "MODULE.bazel", 'module(name = "empty")\n')
    write(folder / "BUILD.bazel", 'filegroup(name = "empty", srcs = ["MODULE.bazel"])\n')
    empty = Bazel(folder, options.folder / "base_empty", rc=options.rc)
    bazel.run("build", *main_job.TARGETS)
    empty.run("build", "//:empty")
    ours, least, theirs, actions = [], [], [], 0
    for _ in range(_ROUNDS):
        again = bazel.run("build", *main_job.TARGETS)
        ours.append(again.seconds)
        found = re.search(r"INFO: Build completed successfully, (\d+) total action", again.output)
        # The one that Bazel counts in every build writes its build-info files.
        actions = max(actions, int(found[1]) - 1 if found else 1)
        least.append(empty.run("build", "//:empty").seconds)
        reproduced = run([dvc, "repro"], cwd=project)
        if "Data and pipelines are up to date." not in reproduced.output:
            raise Broken(f"DVC had something to do:\n{reproduced.output}")
        theirs.append(reproduced.seconds)
    bazel.shutdown()
    empty.shutdown()
    mine, floor, other = (statistics.median(times) for times in (ours, least, theirs))
    beside = f"dvc repro of {len(steps)} stages, in turn: {other:.2f} s"
    return [
        at_most(
            "no-op, actions", actions, 0, "actions", f"build of the main job's {len(main_job.TARGETS)} targets again"
        ),
        at_most("no-op, time", mine, 0.4, "s", f"median of {_ROUNDS}; an empty workspace's: {floor:.3f} s"),
        at_least("no-op, against DVC", other / mine, 5, "x", beside),
    ]
