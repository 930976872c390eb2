"""What is installed, and when it is read again."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from lepton_rules.plugin import distributions


def distribution(directory: Path, name: str, version: str, body: str = "") -> None:
    """Writes what an installer writes of a distribution."""
    info = directory / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\n{body}\n")
    (info / "entry_points.txt").write_text("[lepton_rules.plugins]\nchip = lepton_plugin_chip\n")


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two directories on an otherwise empty sys.path, and a third that is not there."""
    monkeypatch.setattr(sys, "path", [str(tmp_path / name) for name in ("first", "none", "second")])
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    return tmp_path


def found() -> dict[str, str]:
    return {each.name: each.version for each in distributions.installed()}


def test_the_first_of_a_name_wins_however_it_is_spelled(path: Path) -> None:
    distribution(path / "first", "lepton_plugin-chip", "2.0")
    distribution(path / "second", "Lepton-Plugin-Chip", "1.0")
    (each,) = distributions.installed()
    assert (each.name, each.version) == ("lepton-plugin-chip", "2.0")
    assert [(e.name, e.value) for e in each.plugins] == [("chip", "lepton_plugin_chip")]


def test_a_description_is_no_header(path: Path) -> None:
    distribution(path / "first", "chip", "2.0", body="Name: other\nVersion: 9")
    assert found() == {"chip": "2.0"}


def test_what_is_installed_later_is_found(path: Path) -> None:
    distribution(path / "first", "chip", "2.0")
    assert found() == {"chip": "2.0"}
    distribution(path / "first", "board", "1.0")
    os.utime(path / "first", ns=(1, 1))  # However coarse the file system's clock is.
    assert found() == {"chip": "2.0", "board": "1.0"}


def test_a_directory_is_read_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    distribution(path / "first", "chip", "2.0")
    before = distributions.installed()
    monkeypatch.setattr("importlib.metadata.distributions", None)
    assert distributions.installed() == before
