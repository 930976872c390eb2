"""A build with nothing to do, against DVC with as many stages."""

from __future__ import annotations

import re
import statistics
import sys
from pathlib import Path

from harness.bar import Bar, Options
from harness.bazel import TREE, Bazel, run

_TARGET = "//models:all"
_ROUNDS = 7


def _dvc(folder: Path, stages: int) -> tuple[Path, Path]:
    """A DVC in a folder of its own, and a pipeline of trivial stages that is up to date."""
    program = folder / "dvc" / "bin" / "dvc"
    if not program.exists():
        run([sys.executable, "-m", "venv", folder / "dvc"], cwd=folder)
        run([folder / "dvc/bin/python", "-m", "pip", "install", "-q", "dvc==3.67.*"], cwd=folder)
    project = folder / "dvc_project"
    if not project.exists():
        project.mkdir()
        run(["git", "init", "-q"], cwd=project)
        run([program, "init", "-q"], cwd=project)
        lines = ["stages:"]
        for number in range(stages):
            before = "in.txt" if number == 0 else f"out{number - 1}.txt"
            lines += [
                f"  step{number}:",
                f"    cmd: cp {before} out{number}.txt",
                f"    deps: [{before}]",
                f"    outs: [out{number}.txt]",
            ]
        (project / "dvc.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (project / "in.txt").write_text("in\n", encoding="utf-8")
        run([program, "repro", "-q"], cwd=project)
    return program, project


def measure(options: Options) -> list[Bar]:
    """Both in turn, so that both meet the same machine."""
    bazel = Bazel(TREE, options.folder / "base", rc=TREE / ".bazelrc", flags=(f"--disk_cache={options.folder}/disk",))
    bazel.run("build", _TARGET)
    program, project = _dvc(options.folder, 7)  # dataset, train, import, export, optimize, quantize, evaluate
    ours, theirs, actions = [], [], 0
    for _ in range(_ROUNDS):
        again = bazel.run("build", _TARGET)
        ours.append(again.seconds)
        found = re.search(r"INFO: (\d+) process(?:es)?(?:: (\d+) internal)?", again.output)
        actions += int(found[1]) - int(found[2] or 0) if found else 1
        theirs.append(run([program, "repro", "-q"], cwd=project).seconds)
    bazel.shutdown()
    mine, dvc = statistics.median(ours), statistics.median(theirs)
    how = f"build {_TARGET} again, median of {_ROUNDS}"
    return [
        Bar("no-op, actions", "0", actions, "actions", actions == 0, how),
        Bar("no-op, time", "<= 0.4 s", mine, "s", mine <= 0.4, how),
        Bar("no-op, against DVC", ">= 5x", dvc / mine, "x", dvc / mine >= 5, f"dvc repro, 7 stages: {dvc:.2f} s"),
    ]
