"""The plugin in docs/plugins.md keeps the contract, as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import lepton_rules
from lepton_rules.plugin.contract import CHECKS

GUIDE = Path(lepton_rules.__file__).parent.parent / "docs" / "plugins.md"


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Writes every block of the guide that begins with a file's name."""
    directory = tmp_path_factory.mktemp("chip")
    blocks = re.findall(r"^```\w+\n# (\S+)\n(.*?)^```$", GUIDE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    for name, text in blocks:
        (directory / name).parent.mkdir(exist_ok=True)
        (directory / name).write_text(text, "utf-8")
    assert {name for name, _ in blocks} >= {"lepton_plugin_chip/__init__.py", "chip_samples.py", "test_contract.py"}
    return directory


def run(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    paths = [str(directory), *(p for p in sys.path if p)]
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_keeps_the_contract(plugin: Path) -> None:
    words = ["--name=chip", "--entry=lepton_plugin_chip"]
    generated = run(plugin, "lepton_rules.plugin.generate", *words, "--label=//plugins/chip", "--output=passes.bzl")
    assert generated.returncode == 0, generated.stderr
    done = run(plugin, "lepton_rules.plugin.contract", *words, "--samples=chip_samples:write", "--passes=passes.bzl")
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_runs_under_pytest(plugin: Path) -> None:
    done = run(
        plugin, "pytest", "-q", "-p", "no:cacheprovider", "-k", "not runs and not same_bytes", "test_contract.py"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(CHECKS) - 2} passed" in done.stdout


def test_the_guide_lists_every_check() -> None:
    listed = re.findall(r"^\| `(check_\w+)` \|", GUIDE.read_text("utf-8"), re.MULTILINE)
    assert listed == [check.__name__ for check in CHECKS]
