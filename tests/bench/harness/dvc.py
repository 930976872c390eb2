"""DVC, for comparison: the main job's steps as stages that do nothing."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from harness.aquery import Action
from harness.bazel import remove, run

_VERSION = "3.67.*"


def pipeline(folder: Path, actions: Sequence[Action]) -> tuple[Path, Path]:
    """Installs DVC in a folder of its own and makes a pipeline that is up to date: a stage for each action, which
    depends on the stages whose outputs the action reads.

    Returns:
      DVC's program, and the folder of the pipeline.
    """
    program = folder / "dvc" / "bin" / "dvc"
    if not program.exists():
        run([sys.executable, "-m", "venv", folder / "dvc"], cwd=folder)
        run([folder / "dvc" / "bin" / "python", "-m", "pip", "install", "--quiet", f"dvc=={_VERSION}"], cwd=folder)
    project = folder / "dvc_project"
    remove(project)
    project.mkdir()
    run(["git", "init", "-q"], cwd=project)
    run([program, "init", "-q"], cwd=project)
    maker = {output: number for number, action in enumerate(actions) for output in action.outputs}
    lines = ["stages:"]
    for number, action in enumerate(actions):
        before = sorted({maker[path] for path in action.inputs if path in maker})
        lines += [f"  step{number}:", f"    cmd: echo {number} > out{number}", "    deps:", "      - in"]
        lines += [f"      - out{other}" for other in before]
        lines += ["    outs:", f"      - out{number}"]
    (project / "dvc.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (project / "in").write_text("in\n", encoding="utf-8")
    run([program, "repro", "-q"], cwd=project)
    return program, project
