"""The digest of a tree: everything that counts changes it, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lepton_rules.private.environment.builder import tree


def _make(root: Path) -> Path:
    (root / "d").mkdir(parents=True)
    (root / "d/a").write_bytes(b"1")
    (root / "d/b").write_bytes(b"2")
    return root


def test_place_time_and_empty_directories_do_not_count(tmp_path: Path) -> None:
    first, second = _make(tmp_path / "x"), _make(tmp_path / "y/z")
    os.utime(second / "d/a", (1, 1))
    (second / "empty").mkdir()
    assert tree.digest(first) == tree.digest(second)


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "d/a").write_bytes(b"3"),
        lambda root: (root / "d/a").rename(root / "d/c"),
        lambda root: (root / "d/a").chmod(0o755),
        lambda root: (root / "d/c").write_bytes(b""),
        lambda root: (root / "d/b").unlink(),
        lambda root: (
            (root / "d/a").rename(root / "t"),
            (root / "d/b").rename(root / "d/a"),
            (root / "t").rename(root / "d/b"),
        ),
    ],
)
def test_any_change_counts(tmp_path: Path, change: Callable[[Path], object]) -> None:
    before = tree.digest(_make(tmp_path / "x"))
    change(_make(tmp_path / "y"))
    assert tree.digest(tmp_path / "y") != before


def test_a_link_counts_as_what_it_points_to(tmp_path: Path) -> None:
    first, second = _make(tmp_path / "x"), _make(tmp_path / "y")
    (second / "d/b").rename(tmp_path / "b")
    (second / "d/b").symlink_to(tmp_path / "b")
    assert tree.digest(first) == tree.digest(second)
