"""The lock tool, run for real with wheels made here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import BUILDER, index, make_wheel, uv


class Workspace:
    """A Bazel workspace with requirements, and a folder of wheels."""

    def __init__(self, root: Path) -> None:
        self.root = root / "workspace"
        self.wheels = root / "wheels"
        self.lock = self.root / "env/x.lock"
        (self.root / "env").mkdir(parents=True)
        self.wheels.mkdir()
        self.variables = {"PIP_FIND_LINKS": str(self.wheels), "PIP_NO_INDEX": "1"}

    def wheel(self, name: str, version: str, requires: str = "") -> str:
        """Makes a wheel; gives its hash."""
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        metadata += f"Requires-Dist: {requires}\n" if requires else ""
        line = make_wheel(self.wheels, name, version, {f"{name}.py": ""}, metadata=metadata)
        return line.split("--hash=")[1].strip()

    def run(self, requirements: str, *options: str) -> subprocess.CompletedProcess[str]:
        """Locks `requirements`, from the directory `env` of the workspace."""
        (self.root / "env/x.in").write_text(requirements, encoding="utf-8")
        command = [sys.executable, "-s", "-P", str(BUILDER / "write_lock.py")]
        command += ["--requirements", "x.in", "--output", "x.lock", *options]
        environment = {
            "BUILD_WORKING_DIRECTORY": str(self.root / "env"),
            "BUILD_WORKSPACE_DIRECTORY": str(self.root),
            "HOME": str(self.root.parent),
            "LEPTON_UV": str(uv()),
            "PATH": os.environ.get("PATH", ""),
            "PIP_CONFIG_FILE": os.devnull,
            "UV_CACHE_DIR": str(self.root.parent / "cache"),
            "UV_HTTP_RETRIES": "0",
            **self.variables,
        }
        return subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, check=False)

    def locked(self, requirements: str, *options: str) -> str:
        """The lock's text; locking must work."""
        done = self.run(requirements, *options)
        assert done.returncode == 0, done.stderr
        return self.lock.read_text(encoding="utf-8")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace of its own for each test."""
    return Workspace(tmp_path)


def test_a_lock_holds_versions_markers_and_hashes_and_no_place(workspace: Workspace) -> None:
    first = workspace.wheel("alpha", "1.5", requires='beta>=1 ; sys_platform == "win32"')
    second = workspace.wheel("beta", "2.0")
    text = workspace.locked("# why\nalpha  # because\n")
    assert text == (
        "# Written by the command below; not edited by hand.\n"
        "#     bazel run @lepton_rules//lepton_rules:lock -- --requirements env/x.in --output env/x.lock\n"
        "alpha==1.5 ; python_full_version < '3.12' \\\n"
        f"    --hash={first}\n"
        "beta==2.0 ; python_full_version < '3.12' and sys_platform == 'win32' \\\n"
        f"    --hash={second}\n"
    )
    done = workspace.run("alpha\n")
    assert done.stdout == "env/x.lock: unchanged, 2 requirements\n"


def test_versions_stay_until_an_upgrade(workspace: Workspace) -> None:
    workspace.wheel("alpha", "1.5")
    workspace.locked("alpha\n")
    workspace.wheel("alpha", "1.6")
    assert "alpha==1.5" in workspace.locked("alpha\n")
    assert "alpha==1.6" in workspace.locked("alpha\n", "--upgrade")


def test_a_package_is_left_out_with_what_it_alone_needs(workspace: Workspace) -> None:
    workspace.wheel("alpha", "1.5", requires="beta>=1")
    workspace.wheel("beta", "2.0", requires="gamma")
    workspace.wheel("gamma", "3.0")
    text = workspace.locked("alpha\n", "--without", "beta")
    assert "alpha==1.5" in text
    assert "beta==" not in text and "gamma==" not in text
    assert "--output env/x.lock --without beta\n" in text


def test_versions_of_another_lock_are_taken(workspace: Workspace) -> None:
    workspace.wheel("alpha", "1.5")
    workspace.locked("alpha\n")
    workspace.lock.rename(workspace.root / "env/other.lock")
    workspace.wheel("alpha", "1.6")
    text = workspace.locked("alpha\n", "--same-versions-as", "other.lock")
    assert "alpha==1.5" in text
    assert "--same-versions-as env/other.lock" in text


def test_the_index_of_a_package_is_asked_for_it_alone_and_its_name_stays_out(
    workspace: Workspace, tmp_path: Path
) -> None:
    workspace.wheel("alpha", "1.5")
    make_wheel(tmp_path / "rare", "rare", "2.0", {"rare.py": ""})
    with index(tmp_path / "rare", "right-password") as served:
        option = f"--package-index=Rare={served.url('bob:right-password@')}"
        text = workspace.locked("alpha\nrare\n", option)
        assert {path.split("/")[2].split("-")[0] for path in served.asked} == {"rare"}
        served.asked.clear()
        workspace.locked("alpha\n", option)
        assert served.asked == []
    assert "rare==2.0" in text
    assert "127.0.0.1" not in text and "password" not in text
    assert "--package-index Rare=<index>" in text


def test_a_failure_leaves_the_old_lock(workspace: Workspace) -> None:
    workspace.wheel("alpha", "1.5")
    before = workspace.locked("alpha\n")
    done = workspace.run("alpha\nabsent\n")
    assert done.returncode == 1
    assert done.stderr.startswith(
        "lepton: requirements x.in in env/x.lock: no wheel for this machine and this Python (absent was not found"
    )
    assert workspace.lock.read_text(encoding="utf-8") == before
    assert sorted(entry.name for entry in workspace.lock.parent.iterdir()) == ["x.in", "x.lock"]


@pytest.mark.parametrize(
    ("requirements", "options", "why"),
    [
        ("--index-url https://bob:secret@example.invalid/\n", (), "line 1 is an option (--index-url)"),
        (
            "alpha\n",
            ("--package-index", "https://bob:secret@example.invalid/"),
            "is not PACKAGE=URL. Write for example torch=URL",
        ),
        ("alpha\n", ("--without", "beta>1"), "option --without in env/x.lock: 'beta>1' is no package"),
        ("alpha\n", ("--same-versions-as", "absent.lock"), "lock env/absent.lock in env/x.lock: it cannot be read"),
    ],
)
def test_what_is_refused(workspace: Workspace, requirements: str, options: tuple[str, ...], why: str) -> None:
    done = workspace.run(requirements, *options)
    assert done.returncode == 1
    assert why in done.stderr
    assert "secret" not in done.stderr
    assert not workspace.lock.exists()
