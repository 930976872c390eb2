"""Bytecode is the same wherever, whenever and on however many cores it is compiled."""

from __future__ import annotations

import marshal
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lepton_rules.private.environment.builder import compile_bytecode, tree

_PACKAGES = "lib/python3.11/site-packages"


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A tree with a part of the standard library, a package, and files that are no Python."""
    root = tmp_path / "sources"
    library = Path(os.__file__).parent
    for name in ("json", "email", "logging"):
        shutil.copytree(library / name, root / "lib/python3.11" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("argparse.py", "dataclasses.py", "typing.py"):
        shutil.copyfile(library / name, root / "lib/python3.11" / name)
    package = root / _PACKAGES / "package"
    (package / "part").mkdir(parents=True)
    (package / "__init__.py").write_text(
        "NAMES = {'a', 'b', 'c', 'd'}\n\ndef f(x):\n    return x in {'a', 'b', 'c', 'd'}\n"
    )
    (package / "part" / "__init__.py").write_text("import package\n")
    (package / "template.py").write_text("{{ name }} = = 1\n")
    (package / "python2.py").write_text("print 'x'\n")
    (package / "latin.py").write_bytes(b"# -*- coding: nonsense -*-\n")
    (package / "null.py").write_bytes(b"x = 1\0\n")
    return root


def _compiled(sources: Path, destination: Path, processes: int, **variables: str) -> Path:
    shutil.copytree(sources, destination)
    script = Path(compile_bytecode.__file__)
    command = [sys.executable, "-s", "-S", "-P", "-B", str(script), str(destination), str(processes)]
    done = subprocess.run(
        command, env={"PYTHONHASHSEED": "0", **variables}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return destination


def test_place_time_environment_and_cores_change_nothing(sources: Path, tmp_path: Path) -> None:
    first = _compiled(sources, tmp_path / "a", 1)
    time.sleep(0.01)
    second = _compiled(sources, tmp_path / "a-much-longer-name" / "b", 3, HOME="/elsewhere", LANG="C", TZ="Asia/Tokyo")
    assert tree.digest(first) == tree.digest(second)
    assert len(list(first.rglob("*.pyc"))) > 40


def test_another_package_beside_it_changes_nothing(sources: Path, tmp_path: Path) -> None:
    alone = _compiled(sources, tmp_path / "a", 1)
    other = sources / _PACKAGES / "another"
    other.mkdir()
    (other / "__init__.py").write_text("NAMES = ['package', 'part', 'NAMES', 'f']\n")
    beside = _compiled(sources, tmp_path / "b", 1)
    for file in sorted(alone.rglob("*.pyc")):
        assert file.read_bytes() == (beside / file.relative_to(alone)).read_bytes(), file


def test_it_is_used_unchecked_and_names_a_relative_path(sources: Path, tmp_path: Path) -> None:
    root = _compiled(sources, tmp_path / "a", 2)
    (file,) = (root / _PACKAGES / "package/__pycache__").glob("__init__.*.pyc")
    flags = int.from_bytes(file.read_bytes()[4:8], "little")
    assert flags == 0b01, "hash-based and unchecked"
    assert marshal.loads(file.read_bytes()[16:]).co_filename == f"{_PACKAGES}/package/__init__.py"
    code = "import package; print(package.f.__code__.co_filename, package.__cached__)"
    done = subprocess.run(
        [sys.executable, "-B", "-c", code],
        env={"PYTHONPATH": str(root / _PACKAGES)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [str(root / _PACKAGES / "package/__init__.py"), str(file)]


def test_what_is_no_python_is_left_without(sources: Path, tmp_path: Path) -> None:
    root = _compiled(sources, tmp_path / "a", 2)
    compiled = {file.name.partition(".")[0] for file in (root / _PACKAGES / "package/__pycache__").iterdir()}
    assert compiled == {"__init__"}
