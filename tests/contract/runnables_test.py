"""The runnables that write passes.bzl write what is in the tree, where the user's workspace is."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import lepton_rules

ROOT = Path(lepton_rules.__file__).parent.parent
SAMPLE = "tests/contract/sample"
IN_TREE = (ROOT / SAMPLE / "passes.bzl").read_bytes()


def run(program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    runfiles = {"RUNFILES_DIR": str(ROOT.parent), "PATH": os.environ["PATH"]}
    return subprocess.run(
        [str(ROOT / program), *arguments], env={**runfiles, **environment}, capture_output=True, text=True, check=False
    )


def test_update_writes_the_file_in_the_workspace(tmp_path: Path) -> None:
    written = tmp_path / SAMPLE / "passes.bzl"
    written.parent.mkdir(parents=True)
    written.write_text("stale", "utf-8")
    done = run(f"{SAMPLE}/contract_test.update.sh", BUILD_WORKSPACE_DIRECTORY=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert written.read_bytes() == IN_TREE


def test_update_outside_bazel_run_says_how_to_start_it() -> None:
    done = run(f"{SAMPLE}/contract_test.update.sh")
    assert done.returncode == 1
    assert "BUILD_WORKSPACE_DIRECTORY is not set. Start it with `bazel run`." in done.stderr


def test_generate_writes_the_first_file_where_the_user_stands(tmp_path: Path) -> None:
    done = run(
        "lepton_rules/generate.sh",
        *("--name=sample", "--entry=lepton_plugin_sample", f"--path={ROOT / SAMPLE}"),
        *("--label=//tests/contract/sample", "--output=passes.bzl"),
        BUILD_WORKING_DIRECTORY=str(tmp_path),
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "passes.bzl").read_bytes() == IN_TREE
