"""The builder, run for real with a wheel made here: what it builds, and what it leaves when it cannot."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import LABEL, Builder, make_wheel

_ZEROS = "sha256:" + "0" * 64


@dataclass(frozen=True)
class Built:
    """One environment that every test here looks at, and what it was built from."""

    builder: Builder
    lock: str
    root: Path
    key: dict[str, str]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """An environment of one package, which has the oddities that wheels have."""
    place = tmp_path_factory.mktemp("built")
    builder = Builder(place / "home", place / "wheels")
    builder.home.mkdir()
    lock = make_wheel(
        builder.wheels,
        "demo",
        "1.2",
        {
            "demo/__init__.py": "VERSION = '1.2'\n\ndef where():\n    raise ValueError('x')\n",
            "demo/BUILD": "Bazel would take this for a package",
            "demo/native.h": "int x;",
            "demo-1.2.data/scripts/demo": "#!python\nimport demo\n",
            "demo-1.2.dist-info/entry_points.txt": "[console_scripts]\ndemo-tool = demo:where\n",
        },
    )
    return Built(builder, lock, place / "environment", builder.key(lock, place / "environment"))


def _run(root: Path, code: str) -> subprocess.CompletedProcess[str]:
    command = [str(root / "launch"), "-c", code]
    return subprocess.run(command, env={}, capture_output=True, text=True, check=False, cwd="/")


def test_files_are_beside_the_environment_and_not_in_it(built: Built, tmp_path: Path) -> None:
    root = tmp_path / "root"
    key = built.builder.key(built.lock, root, files=["demo/native.h"])
    assert (root / "files/demo/native.h").read_text() == "int x;"
    assert key["tree"] == built.key["tree"]  # which drops headers
    why = "no package of the lock has such a file"
    assert why in built.builder.refused(built.lock, tmp_path / "other", files=["demo/weights/*"])


def test_another_place_home_and_mask_give_the_same_key(built: Built, tmp_path: Path) -> None:
    other = Builder(tmp_path / "another-home", built.builder.wheels, {"TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7"})
    other.home.mkdir()
    before = os.umask(0o077)
    try:
        key = other.key(built.lock, tmp_path / "somewhere" / "else" / "two")
    finally:
        os.umask(before)
    assert key == built.key


def test_what_is_in_it(built: Built) -> None:
    packages = built.root / "prefix/lib/python3.11/site-packages"
    assert sorted(entry.name for entry in packages.iterdir()) == ["demo", "demo-1.2.dist-info"]
    assert sorted(entry.name for entry in (packages / "demo").iterdir()) == ["__init__.py", "__pycache__"]
    assert sorted(entry.name for entry in (built.root / "prefix/bin").iterdir()) == ["python3"]
    assert not [file for file in (built.root / "prefix").rglob("*") if file.is_symlink()]
    assert json.loads((built.root / "facts.json").read_text())["packages"] == {"demo": "1.2"}
    assert sorted(built.key) == ["interpreter", "launch", "lock", "tree"]


def test_it_works_when_it_is_moved_and_sees_nothing_of_the_machines_python(built: Built, tmp_path: Path) -> None:
    root = tmp_path / "moved"
    built.root.rename(root)
    try:
        code = (
            "import sys, json, ssl, ctypes, sqlite3, demo\n"
            "print(json.dumps([sys.prefix, sys.path, sys.flags.safe_path, sys.flags.no_user_site]))"
        )
        done = _run(root, code)
        assert done.returncode == 0, done.stderr
        prefix, path, safe, no_user = json.loads(done.stdout)
        assert (prefix, safe, no_user) == (str(root / "prefix"), True, 1)
        assert all(entry.startswith(str(root)) for entry in path)
        packages = root / "prefix/lib/python3.11/site-packages"
        assert f'File "{packages}/demo/__init__.py", line 4' in _run(root, "import demo; demo.where()").stderr
    finally:
        root.rename(built.root)


def test_no_path_of_the_machine_is_in_its_text(built: Built) -> None:
    place = str(built.root.parent).encode()
    for file in (built.root / "prefix/lib").rglob("*"):
        if file.is_file():
            assert place not in file.read_bytes(), file
    (data,) = (built.root / "prefix/lib").rglob("_sysconfigdata*.py")
    assert not any(f"'{path}" in data.read_text() for path in ("/home", "/root", "/tmp", "/opt"))


def test_a_killed_build_leaves_nothing_whole_and_the_next_gives_the_same_key(built: Built, tmp_path: Path) -> None:
    root = tmp_path / "killed"
    process = subprocess.Popen(
        built.builder.command(built.lock, root),
        cwd=root,
        env=built.builder.variables(),
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while not (root / "prefix/lib/python3.11/__pycache__").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert (root / "prefix").exists() and not (root / "env.key").exists()
    assert built.builder.key(built.lock, root) == built.key


def test_a_lock_that_cannot_be_installed_leaves_no_key(built: Built, tmp_path: Path) -> None:
    message = built.builder.refused(f"demo==1.2 --hash={_ZEROS}\n", tmp_path / "x")
    assert message.startswith(f"lepton: lock //:env.lock in {LABEL}: demo==1.2 must have {_ZEROS} and has sha256:")


def test_a_lock_without_hashes_is_refused_before_anything_is_written(built: Built, tmp_path: Path) -> None:
    message = built.builder.refused("demo==1.2\n", tmp_path / "x")
    assert message.startswith(f"lepton: lock //:env.lock in {LABEL}: demo==1.2 has no --hash (line 1). Write the lock")
    assert list((tmp_path / "x").iterdir()) == []


def test_uv_that_does_not_run(built: Built, tmp_path: Path) -> None:
    builder = Builder(built.builder.home, built.builder.wheels, {"LEPTON_UV": "/nonexistent/uv"})
    message = builder.refused(built.lock, tmp_path / "x")
    assert message == (
        f"lepton: uv in {LABEL}: LEPTON_UV is /nonexistent/uv, which does not run as uv. "
        "Set LEPTON_UV to a uv executable, or unset it.\n"
    )


def test_no_uv_and_no_pip(built: Built, tmp_path: Path) -> None:
    builder = Builder(tmp_path, built.builder.wheels, {"LEPTON_UV": "", "PATH": str(tmp_path)})
    message = builder.refused(built.lock, tmp_path / "x")
    assert "there is no pip to fetch it with. Install pip or that uv" in message.splitlines()[0]


def test_a_file_in_the_way_is_said(built: Built, tmp_path: Path) -> None:
    root = tmp_path / "x"
    (root / "env.key").mkdir(parents=True)
    (root / "launch").mkdir()
    message = built.builder.refused("# no packages\n", root)
    assert message.startswith(f"lepton: environment env in {LABEL}: the file system refused (")
