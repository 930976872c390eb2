"""`.reproduce` with a Bazel that notes what it is told, and builds what it is told to."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from programs import MEASURE

from models import make_model

_BAZEL = """#!/bin/sh
echo "$@" >> "{log}"
case "$2" in
  build) test ! -e "{broken}" || {{ echo "ERROR: broken" >&2; exit 1; }} ;;
  info) echo "{bin}" ;;
esac
"""


class Place:
    """A workspace with a Bazel, the outputs of this build, and those that the other one is going to make."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.workspace = folder / "workspace"
        self.workspace.mkdir()
        self.log, self.broken, self.bin = folder / "log", folder / "broken", folder / "bin"
        program = self.workspace / "bazelw"
        program.write_text(_BAZEL.format(log=self.log, broken=self.broken, bin=self.bin))
        program.chmod(0o755)
        self.first = make_model(folder / "first")[1]

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        environment = {name: value for name, value in os.environ.items() if name != "LEPTON_BAZEL"}
        return subprocess.run(
            [
                sys.executable,
                str(MEASURE / "reproduce.py"),
                "--label=//x:y",
                "--target=@@//x:y",
                "--seed_flag=@@//s:hash_seed",
                f"--step=fake.quantize=x/y/1/manifest.json={self.first}",
                *words,
            ],
            env=environment
            | {"BUILD_WORKSPACE_DIRECTORY": str(self.workspace), "XDG_CACHE_HOME": str(self.folder / "cache")},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_the_same_bytes(place: Place) -> None:
    make_model(place.bin / "x" / "y" / "1")
    done = place.run("--config=ci")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "fake.quantize      2  the same" in done.stdout
    build, _, shutdown = place.log.read_text().splitlines()
    base = build.split()[0]
    assert base.startswith(f"--output_base={place.folder}/cache/lepton_rules/reproduce/")
    for flag in ("--@@//s:hash_seed=4711", "--disk_cache=", "--strategy=LeptonRun=sandboxed", "--config=ci", "@@//x:y"):
        assert flag in build.split()
    assert shutdown.split() == [base, "shutdown"]
    assert not Path(base.partition("=")[2]).exists()


def test_other_bytes(place: Place) -> None:
    make_model(place.bin / "x" / "y" / "1", padding=3)
    done = place.run()
    assert done.returncode == 1
    assert "padding" in done.stdout
    assert "lepton: reproduce in //x:y: 2 files differ from those of this workspace's own build." in done.stdout


def test_a_build_that_fails_is_no_reproduction(place: Place) -> None:
    place.broken.touch()
    done = place.run("--keep", f"--output_base={place.folder / 'base'}")
    assert done.returncode == 1
    assert "lepton: reproduce in //x:y: bazel build exited with 1. Read what it printed above." in done.stdout
    assert place.log.read_text().splitlines()[-1].endswith(" shutdown")
