"""What a nested Bazel reads is an input of its test, so that a cached verdict is never about other files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from bazel import source_tree

_HERE = Path(__file__).parents[2]
# Made by tools, and never part of the tree.
_MADE = ("__pycache__", "*.egg-info", "bazel-*", ".*", "MODULE.bazel.lock")


def _files(folder: str) -> Iterator[str]:
    root = source_tree()
    for path in (root / folder).rglob("*"):
        parts = [Path(part) for part in path.relative_to(root).parts]
        if path.is_file() and not any(part.match(made) for part in parts for made in _MADE):
            yield path.relative_to(root).as_posix()


@pytest.mark.parametrize(
    ("folder", "target", "fix"),
    [
        ("lepton_rules", "//:tree", "Give its package a filegroup `tree` of glob(['**']), and name it in //:tree"),
        ("plugins", "//:tree", "Give its package a filegroup `tree` of glob(['**']), and name it in //:tree"),
        ("tests/e2e/chip", "//tests/e2e:chip", "Name it in tests/e2e/module_files.bzl"),
        ("tests/e2e/smoke", "//tests/e2e:smoke", "Name it in tests/e2e/module_files.bzl"),
        ("tests/failing/module", "//tests/failing:module", "Name it in tests/failing/module_files.bzl"),
    ],
)
def test_no_file_is_missing(folder: str, target: str, fix: str) -> None:
    files = list(_files(folder))
    missing = [name for name in files if not (_HERE / name).exists()]
    assert files
    assert not missing, f"{target} lacks {', '.join(sorted(missing))}. {fix}."
