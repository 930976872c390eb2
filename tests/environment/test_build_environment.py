"""The builder, run for real with wheels made here: what it builds, and how it refuses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from support import LABEL, Builder, index, make_wheel

_ZEROS = "sha256:" + "0" * 64


@pytest.fixture
def builder(tmp_path: Path) -> Builder:
    """A builder with a home of its own and a folder of wheels."""
    (tmp_path / "home").mkdir()
    (tmp_path / "wheels").mkdir()
    return Builder(tmp_path / "home", tmp_path / "wheels")


@pytest.fixture
def demo(builder: Builder) -> str:
    """The lock of a package with the oddities that wheels have."""
    return make_wheel(
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


def _run(root: Path, code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [str(root / "launch"), "-c", code]
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False, cwd="/")


def test_two_places_two_homes_two_masks_give_one_tree_and_it_works_when_moved(
    builder: Builder, demo: str, tmp_path: Path
) -> None:
    first = builder.key(demo, tmp_path / "one")
    other = Builder(tmp_path / "another-home", builder.wheels, {"TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7"})
    other.home.mkdir()
    before = os.umask(0o077)
    try:
        second = other.key(demo, tmp_path / "somewhere" / "else" / "two")
    finally:
        os.umask(before)
    assert first == second
    root = tmp_path / "moved"
    (tmp_path / "one").rename(root)
    packages = root / "prefix/lib/python3.11/site-packages"
    assert sorted(entry.name for entry in packages.iterdir()) == ["demo", "demo-1.2.dist-info"]
    assert sorted(entry.name for entry in (packages / "demo").iterdir()) == ["__init__.py", "__pycache__"]
    assert sorted(entry.name for entry in (root / "prefix/bin").iterdir()) == ["python3"]
    assert not [file for file in (root / "prefix").rglob("*") if file.is_symlink()]
    assert json.loads((root / "facts.json").read_text())["packages"] == {"demo": "1.2"}
    code = "import sys, json, ssl, ctypes, demo; print(json.dumps([sys.prefix, sys.path, sys.flags.safe_path, sys.flags.no_user_site]))"
    done = _run(root, code)
    assert done.returncode == 0, done.stderr
    prefix, path, safe, no_user = json.loads(done.stdout)
    assert (prefix, safe, no_user) == (str(root / "prefix"), True, 1)
    assert all(entry.startswith(str(root)) for entry in path), "nothing of the machine's own Python"
    assert f'File "{packages}/demo/__init__.py", line 4' in _run(root, "import demo; demo.where()").stderr


def test_no_path_of_the_machine_is_in_its_text(builder: Builder, demo: str, tmp_path: Path) -> None:
    builder.key(demo, tmp_path / "one")
    for file in (tmp_path / "one/prefix").rglob("*"):
        if file.suffix in (".py", ".pyc", ".pth", ".json", ".cfg", "") and file.is_file() and file.name != "python3":
            assert str(tmp_path).encode() not in file.read_bytes(), file
    sysconfig_data = next((tmp_path / "one/prefix/lib").rglob("_sysconfigdata*.py")).read_text()
    assert "'/home" not in sysconfig_data and "/root" not in sysconfig_data and "/tmp" not in sysconfig_data


def test_a_killed_build_leaves_nothing_whole_and_the_next_gives_the_same_tree(
    builder: Builder, demo: str, tmp_path: Path
) -> None:
    clean = builder.key(demo, tmp_path / "clean")
    root = tmp_path / "killed"
    process = subprocess.Popen(
        builder.command(demo, root),
        cwd=root,
        env=builder.variables(),
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 30
    while not list(root.glob("prefix/lib/python3.11/**/*.pyc")) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert (root / "prefix").exists() and not (root / "env.key").exists()
    assert builder.key(demo, root) == clean


def test_a_wrong_hash(builder: Builder, demo: str, tmp_path: Path) -> None:
    digest = demo.split("--hash=")[1].strip()
    message = builder.refused(f"demo==1.2 --hash={_ZEROS}\n", tmp_path / "x")
    assert message.startswith(f"lepton: lock //:env.lock in {LABEL}: demo==1.2 must have {_ZEROS} and has {digest}. ")
    assert "write the lock again: bazel run @lepton_rules//lepton_rules:lock" in message.splitlines()[0]


def test_a_missing_wheel(builder: Builder, tmp_path: Path) -> None:
    message = builder.refused(f"absent==3.0 --hash={_ZEROS}\n", tmp_path / "x")
    assert message.startswith(
        f"lepton: lock //:env.lock in {LABEL}: no wheel for this machine and this Python (absent was not found"
    )
    assert "Add its place to pip's configuration or package_indexes" in message.splitlines()[0]


def test_a_wheel_for_another_machine(builder: Builder, tmp_path: Path) -> None:
    lock = make_wheel(builder.wheels, "alien", "1.0", {"alien.py": ""}, tag="cp311-cp311-win_amd64")
    message = builder.refused(lock, tmp_path / "x")
    assert f"in {LABEL}: no wheel for this machine and this Python (alien==1.0 has no wheels with a matching" in message


def test_a_source_distribution_is_never_built(builder: Builder, tmp_path: Path) -> None:
    (builder.wheels / "source-1.0.tar.gz").write_bytes(b"")
    message = builder.refused(f"source==1.0 --hash={_ZEROS}\n", tmp_path / "x")
    assert f"in {LABEL}: no wheel for this machine and this Python (source==1.0 has no usable wheels" in message


def test_a_lock_without_hashes(builder: Builder, tmp_path: Path) -> None:
    message = builder.refused("demo==1.2\n", tmp_path / "x")
    assert message.startswith(
        f"lepton: lock //:env.lock in {LABEL}: demo==1.2 has no --hash (line 1). Write the lock again: bazel run "
    )
    assert not (tmp_path / "x/prefix").exists()


def test_an_unreachable_index_is_named_without_its_credentials(builder: Builder, tmp_path: Path) -> None:
    builder.extra = {"PIP_NO_INDEX": "", "PIP_INDEX_URL": "http://bob:hunter22secret@127.0.0.1:9/simple"}
    message = builder.refused(f"demo==1.0 --hash={_ZEROS}\n", tmp_path / "x")
    assert message.startswith(
        f"lepton: lock //:env.lock in {LABEL}: http://127.0.0.1:9/simple/demo/ did not give what was asked for (Connection refused"
    )
    assert "Mend the index in pip's configuration" in message.splitlines()[0]
    assert "hunter22secret" not in message and "bob" not in message


def test_an_index_that_refuses_the_credentials(builder: Builder, tmp_path: Path) -> None:
    with index(tmp_path / "none", "right-password") as served:
        builder.extra = {"PIP_NO_INDEX": "", "PIP_INDEX_URL": served.url("bob:wrong-password@")}
        message = builder.refused(f"demo==1.0 --hash={_ZEROS}\n", tmp_path / "x")
    assert "did not give what was asked for (401 Unauthorized)" in message.splitlines()[0]
    assert "wrong-password" not in message


def test_pips_index_and_its_credentials_reach_uv(builder: Builder, tmp_path: Path) -> None:
    lock = make_wheel(tmp_path / "mirror", "mirrored", "1.0", {"mirrored.py": "X = 1\n"})
    with index(tmp_path / "mirror", "right-password") as served:
        builder.extra = {"PIP_NO_INDEX": "", "PIP_FIND_LINKS": "", "PIP_INDEX_URL": served.url("bob:right-password@")}
        builder.key(lock, tmp_path / "x")
        assert served.authorizations
    everything = b"".join(file.read_bytes() for file in (tmp_path / "x").glob("*") if file.is_file())
    assert b"right-password" not in everything and b"127.0.0.1" not in everything


def test_the_index_of_a_package_is_asked_for_it_alone_and_only_when_others_lack_it(
    builder: Builder, demo: str, tmp_path: Path
) -> None:
    rare = make_wheel(tmp_path / "rare", "rare", "2.0", {"rare.py": "X = 2\n"})
    with index(tmp_path / "rare", "right-password") as served:
        indexes = {"Rare": served.url("bob:right-password@")}
        key = builder.key(demo + rare, tmp_path / "x", package_indexes=indexes)
        assert {path.split("/")[2].split("-")[0] for path in served.asked} == {"rare"}
        served.asked.clear()
        (tmp_path / "rare/rare-2.0-py3-none-any.whl").rename(builder.wheels / "rare-2.0-py3-none-any.whl")
        assert builder.key(demo + rare, tmp_path / "y", package_indexes=indexes) == key
        assert served.asked == []


def test_an_index_for_a_package_that_the_lock_lacks(builder: Builder, demo: str, tmp_path: Path) -> None:
    message = builder.refused(demo, tmp_path / "x", package_indexes={"dmeo": "https://example.invalid/"})
    assert message.startswith(
        f"lepton: package_indexes of lock //:env.lock in {LABEL}: the lock has no package dmeo. Remove it"
    )


def test_uv_that_does_not_run(builder: Builder, demo: str, tmp_path: Path) -> None:
    builder.extra = {"LEPTON_UV": "/nonexistent/uv"}
    message = builder.refused(demo, tmp_path / "x")
    assert message.startswith(
        f"lepton: uv in {LABEL}: LEPTON_UV is /nonexistent/uv, which does not run as uv. Set LEPTON_UV"
    )


def test_no_uv_and_no_pip(builder: Builder, demo: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    builder.extra = {"LEPTON_UV": "", "PATH": str(tmp_path / "empty")}
    message = builder.refused(demo, tmp_path / "x")
    assert "there is no pip to fetch it with. Install pip or that uv" in message.splitlines()[0]


def test_an_empty_lock_needs_no_uv(builder: Builder, tmp_path: Path) -> None:
    builder.extra = {"LEPTON_UV": "", "PATH": ""}
    builder.key("# nothing\n", tmp_path / "x")
    assert _run(tmp_path / "x", "print('hello')").stdout == "hello\n"


def test_a_full_disk_or_a_read_only_place_is_said(builder: Builder, demo: str, tmp_path: Path) -> None:
    root = tmp_path / "x"
    root.mkdir()
    (root / "prefix").mkdir()
    (root / "prefix").chmod(0o500)
    root.chmod(0o500)
    try:
        if os.access(root, os.W_OK):
            pytest.skip("this user may write everywhere")
        message = builder.refused(demo, root)
    finally:
        root.chmod(0o700)
        (root / "prefix").chmod(0o700)
    assert message.startswith(f"lepton: environment env in {LABEL}: the file system refused (")
