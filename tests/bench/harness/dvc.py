"""DVC, for comparison: the main job's steps as stages, with the files that the steps read and write."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from harness.aquery import Action
from harness.bazel import TREE, Bazel, remove, run

_VERSION = "3.67.*"
_ENVIRONMENT = re.compile(r"external/[^/]*~lepton~lepton_rules_([a-z_0-9]+)/")


def program(folder: Path) -> Path:
    """DVC's program, installed in a folder of its own."""
    found = folder / "dvc" / "bin" / "dvc"
    if not found.exists():
        run([sys.executable, "-m", "venv", folder / "dvc"], cwd=folder)
        run([folder / "dvc" / "bin" / "python", "-m", "pip", "install", "--quiet", f"dvc=={_VERSION}"], cwd=folder)
    return found


def pipeline(dvc: Path, project: Path, bazel: Bazel, actions: Sequence[Action]) -> None:
    """Makes a pipeline that is up to date: a stage for each action, whose command copies the outputs that Bazel has
    built. It depends on what the action reads, as a DVC user would write it: the files that other stages make one by
    one, the sources of lepton_rules and of a plugin each as one folder, and a Python environment as its lock file:
    neither program then looks for edits within an environment's 25,000 files.

    Args:
      dvc: DVC's program.
      project: the pipeline's folder; removed first.
      bazel: what has built the actions.
      actions: the stages.
    """
    remove(project)
    project.mkdir()
    run(["git", "init", "-q"], cwd=project)
    run([dvc, "init", "-q"], cwd=project)
    # Neither a report to DVC's authors nor a question for a newer version is part of the steps.
    run([dvc, "config", "core.analytics", "false"], cwd=project)
    run([dvc, "config", "core.check_update", "false"], cwd=project)
    root = bazel.bin().parents[2]
    made = {path for action in actions for path in action.outputs}
    stages = {}
    for number, action in enumerate(actions):
        deps = set()
        for path in action.inputs:
            if found := _ENVIRONMENT.match(path):
                path = f"lepton_rules/environments/{found[1]}.lock"
                deps.add(path)
            elif path in made:
                deps.add(path)
                continue
            else:
                deps.add(source(path))
            if not (project / path).exists():
                (project / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(TREE / path, project / path)
        copies = [f"cp -rL --no-preserve=all {root / path} {path}" for path in action.outputs]
        folders = sorted({str(PurePosixPath(path).parent) for path in action.outputs})
        stages[f"step{number}"] = {
            "cmd": " && ".join([f"mkdir -p {' '.join(folders)}", *copies]),
            "deps": sorted(deps),
            "outs": list(action.outputs),
        }
    # JSON is YAML.
    (project / "dvc.yaml").write_text(json.dumps({"stages": stages}, indent=2) + "\n", encoding="utf-8")
    run([dvc, "repro"], cwd=project)


def source(path: str) -> str:
    """The folder that a stage names for a source: that of lepton_rules' part or of the plugin; a user's file is
    named itself."""
    parts = PurePosixPath(path).parts
    if parts[0] == "plugins":
        return "/".join(parts[:2])
    if parts[0] == "lepton_rules" and len(parts) > 2:
        return "/".join(parts[:2])
    return path
