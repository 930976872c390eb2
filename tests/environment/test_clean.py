"""What is dropped from installed packages, and what is never touched."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from lepton_rules.private.environment.builder import clean, tree
from lepton_rules.private.environment.builder.refusal import Refusal


def _write(folder: Path, *names: str) -> None:
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name, encoding="utf-8")


def _names(folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in tree.files_of(folder)}


def test_what_differs_between_machines_or_is_for_development_goes(tmp_path: Path) -> None:
    stays = {
        "a/__init__.py",
        "a/py.typed",
        "a/data.json",
        "a/tests/test_a.py",
        "a-1.0.dist-info/METADATA",
        "a-1.0.dist-info/entry_points.txt",
        "a-1.0.dist-info/licenses/LICENSE",
        "numpy/testing/__init__.py",
        "torch/bin/torch_shm_manager",
        "torch/lib/libtorch.so",
        "torch/testing/_internal/common.py",
    }
    goes = {
        "a-1.0.dist-info/RECORD",
        "a-1.0.dist-info/INSTALLER",
        "a-1.0.dist-info/REQUESTED",
        "a-1.0.dist-info/direct_url.json",
        "a-1.0.dist-info/uv_cache.json",
        "bin/a",
        "a/__pycache__/x.cpython-311.pyc",
        "a/BUILD",
        "a/deep/down/BUILD.bazel",
        "MODULE.bazel",
        "a/x.a",
        "a/x.h",
        "include/x/y.h",
        "torch/include/x.cuh",
        "torch/bin/test_api",
        "numpy/_core/tests/test_x.py",
        "distutils-precedence.pth",
    }
    _write(tmp_path, *stays, *goes)
    clean.clean(tmp_path, [], [])
    assert _names(tmp_path) == stays
    assert not (tmp_path / "include").exists()


def test_exclude_adds_and_keep_takes_back(tmp_path: Path) -> None:
    _write(tmp_path, "a/tests/x.py", "a/b/tests/y.py", "a/z.py", "torch/include/t.h", "bin/tool", "bin/other")
    clean.clean(tmp_path, ["a/**/tests/**"], ["torch/include/**", "bin/tool"])
    assert _names(tmp_path) == {"a/z.py", "torch/include/t.h", "bin/tool"}


def test_files_are_taken_out_under_their_names(tmp_path: Path) -> None:
    packages, files = tmp_path / "packages", tmp_path / "files"
    _write(packages, "a/__init__.py", "a/model/config.json", "a/model/deep/w.bin", "a/model/BUILD", "b.py")
    clean.take_out(packages, ["a/model/**", "b.*"], files)
    assert _names(packages) == {"a/__init__.py", "a/model/BUILD"}
    assert _names(files) == {"a/model/config.json", "a/model/deep/w.bin", "b.py"}
    with pytest.raises(Refusal, match="no package of the lock has such a file"):
        clean.take_out(packages, ["a/weights/*"], files)


@pytest.mark.parametrize(
    ("glob", "matches", "misses"),
    [
        ("*.py", ["a.py", ".py"], ["d/a.py", "a.pyc"]),
        ("**/*.py", ["a.py", "d/e/a.py"], ["d/a.pyc"]),
        ("a/**", ["a/b", "a/b/c"], ["a", "ab/c"]),
        ("a/**/t/**", ["a/t/x", "a/b/c/t/x"], ["a/t", "a/xt/y", "b/t/x"]),
        ("a?c", ["abc"], ["a/c", "ac"]),
        ("a+(b).[c]", ["a+(b).[c]"], ["aab.c"]),
    ],
)
def test_globs(glob: str, matches: list[str], misses: list[str]) -> None:
    pattern = clean.pattern([glob])
    assert all(pattern.fullmatch(name) for name in matches)
    assert not any(pattern.fullmatch(name) for name in misses)


def test_path_files_lose_absolute_lines(tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_text("# made here\n/home/someone/src\nrelative\nimport x\n")
    (tmp_path / "b.pth").write_text("/home/someone/src\n")
    (tmp_path / "c.pth").write_text("relative\n")
    clean.clean(tmp_path, [], [])
    assert (tmp_path / "a.pth").read_text() == "relative\nimport x\n"
    assert _names(tmp_path) == {"a.pth", "c.pth"}


def test_a_file_shared_with_a_cache_is_never_changed(tmp_path: Path) -> None:
    cache, packages = tmp_path / "cache", tmp_path / "packages"
    _write(cache, "secret.py", "a.pth")
    (cache / "a.pth").write_text("/absolute\nrelative\n")
    (cache / "secret.py").chmod(0o600)
    packages.mkdir()
    for name in ("secret.py", "a.pth"):
        os.link(cache / name, packages / name)
    clean.clean(packages, [], [])
    clean.normalise_permissions(packages)
    assert stat.S_IMODE((cache / "secret.py").stat().st_mode) == 0o600
    assert (cache / "a.pth").read_text() == "/absolute\nrelative\n"
    assert stat.S_IMODE((packages / "secret.py").stat().st_mode) == 0o644
    assert (packages / "secret.py").read_text() == "secret.py"
    assert (packages / "a.pth").read_text() == "relative\n"


def test_permissions_are_two(tmp_path: Path) -> None:
    _write(tmp_path, "d/a", "d/b")
    (tmp_path / "d/a").chmod(0o700)
    (tmp_path / "d/b").chmod(0o666)
    (tmp_path / "d").chmod(0o777)
    clean.normalise_permissions(tmp_path)
    modes = {name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("d", "d/a", "d/b")}
    assert modes == {"d": 0o755, "d/a": 0o755, "d/b": 0o644}
