"""A build that is killed, interrupted, starved or lied to: the next one gives what a clean one gives."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bazel import Bazel, Result
from test_plugins import digests

_PATIENCE_S = 60.0
_LOADS = """\
load("@lepton_rules//lepton_rules:defs.bzl", "lepton_artifact", "lepton_model", "lepton_recipe")
load("//sample:passes.bzl", "sample")
"""
_TARGETS = ["clean", "action_killed", "worker_killed", "server_killed", "interrupted"]


class Held:
    """Artifacts of //held whose first pass writes half of its output, and waits while a file is there."""

    def __init__(self, bazel: Bazel) -> None:
        self.bazel = bazel
        self._hold = bazel.workspace / "hold"
        folder = bazel.workspace / "held"
        folder.mkdir()
        passes = f'[sample.misbehave(deed = "wait_half_way", argument = "{self._hold}"), sample.append()]'
        (folder / "edited.txt").write_text("before", encoding="utf-8")
        (folder / "BUILD.bazel").write_text(
            _LOADS
            + f'lepton_recipe(name = "recipe", passes = {passes})\n'
            + "".join(
                f'lepton_artifact(name = "{name}", hardware = "//sample:page", model = "//good:hello", '
                'recipe = ":recipe")\n'
                for name in _TARGETS
            )
            + f'lepton_model(name = "edited", importer = sample.late_text(hold = "{self._hold}"), '
            'weights = ["edited.txt"])\n',
            encoding="utf-8",
        )
        self.build("clean")
        self.output = bazel.bin() / "held"
        self.server = int(bazel.run("info", "server_pid").output.split()[-1])

    def build(self, name: str, *flags: str) -> Result:
        """Builds one of them, with nothing in its way."""
        result = self.bazel.run("build", *flags, f"//held:{name}")
        assert result.status == 0, result.output
        return result

    def disturb(self, name: str, disturb: Callable[[subprocess.Popen[bytes]], None], *flags: str) -> Result:
        """Builds one of them, and does something to the build while its pass is half way."""
        self._hold.touch()
        client = self.bazel.start("build", *flags, f"//held:{name}")
        try:
            until(lambda: [*(self.output / name).rglob("text.txt")], f"//held:{name} is half written")
            disturb(client)
            self._hold.unlink()
            output, _ = client.communicate(timeout=_PATIENCE_S)
        finally:
            self._hold.unlink(missing_ok=True)
            client.kill()
        until(lambda: not self.actions(), "no action is left")
        return Result(client.returncode, output.decode("utf-8", "replace"))

    def workers(self) -> list[int]:
        """The worker processes of the nested server."""
        return [pid for pid, command in children(self.server) if "lepton_rules/worker/main.py" in command]

    def actions(self) -> list[int]:
        """The processes that do an action in a worker."""
        return [pid for worker in self.workers() for pid, _ in children(worker)]

    def left(self, name: str) -> list[str]:
        """What lies where one of them is written, but for the flag files."""
        return [*digests(self.output / name), *(path.name for path in (self.output / name).rglob(".lepton-*"))]


def children(parent: int) -> list[tuple[int, str]]:
    """Process ids and command lines of a process's children."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(status.read_text("utf-8").rpartition(")")[2].split()[1]) == parent:
                found.append((int(status.parent.name), (status.parent / "cmdline").read_text("utf-8")))
    return found


def until(true: Callable[[], object], what: str) -> None:
    """Waits until something is true."""
    end = time.monotonic() + _PATIENCE_S
    while not true():
        assert time.monotonic() < end, f"it did not come to pass that {what}"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def held(bazel: Bazel) -> Held:
    return Held(bazel)


def _assert_as_clean(held: Held, name: str) -> None:
    held.build(name)
    assert digests(held.output / name) == digests(held.output / "clean")
    assert not [*(held.output / name).rglob(".lepton-*")]


def test_action_is_killed_in_mid_write(held: Held) -> None:
    def kill(client: subprocess.Popen[bytes]) -> None:
        (action,) = held.actions()
        os.kill(action, signal.SIGKILL)

    result = held.disturb("action_killed", kill)
    assert result.status == 1
    (line,) = result.lepton_lines()
    assert line.startswith(
        "lepton: pass sample.misbehave (plugin sample) in //held:action_killed: it was killed (SIGKILL), and not by "
        "the worker; lack of memory is the usual cause"
    )
    assert held.left("action_killed") == []
    _assert_as_clean(held, "action_killed")


def test_worker_is_killed_in_mid_action(held: Held) -> None:
    def kill(client: subprocess.Popen[bytes]) -> None:
        (action,) = held.actions()
        (worker,) = [worker for worker in held.workers() if action in dict(children(worker))]
        os.kill(worker, signal.SIGKILL)

    result = held.disturb("worker_killed", kill)
    assert result.status == 1
    assert "manifest.json" not in held.left("worker_killed")
    _assert_as_clean(held, "worker_killed")


def test_build_is_interrupted(held: Held) -> None:
    def interrupt(client: subprocess.Popen[bytes]) -> None:
        client.send_signal(signal.SIGINT)
        until(lambda: not held.actions(), "the action is cancelled")

    result = held.disturb("interrupted", interrupt)
    assert result.status == 8
    assert held.left("interrupted") == []
    _assert_as_clean(held, "interrupted")


def test_server_is_killed_in_mid_write(held: Held) -> None:
    def kill(client: subprocess.Popen[bytes]) -> None:
        held_by = held.workers()
        os.kill(held.server, signal.SIGKILL)
        until(lambda: not [pid for pid in held_by if Path(f"/proc/{pid}").exists()], "the workers are gone")

    result = held.disturb("server_killed", kill)
    assert result.status != 0
    assert "manifest.json" not in held.left("server_killed")
    _assert_as_clean(held, "server_killed")


def test_input_is_edited_during_the_build(held: Held, tmp_path: Path) -> None:
    source = held.bazel.workspace / "held" / "edited.txt"
    model = held.output / "edited" / "model" / "text.txt"
    flags = f"--disk_cache={tmp_path / 'disk'}"

    def edit(client: subprocess.Popen[bytes]) -> None:
        source.write_text("after", encoding="utf-8")

    result = held.disturb("edited", edit, flags)
    assert result.lepton_lines() == [
        "lepton: importer sample.late_text (plugin sample) in //held:edited: 1 input changed while it ran: "
        "'held/edited.txt'. Build again."
    ]
    held.build("edited", flags)
    assert model.read_text("utf-8") == "after"
    source.write_text("before", encoding="utf-8")
    held.build("edited", flags)
    assert model.read_text("utf-8") == "before"


@pytest.mark.parametrize("damage", ["truncated", "flipped", "emptied"])
def test_disk_cache_is_damaged(damage: str, bazel: Bazel, tmp_path: Path) -> None:
    cache = f"--disk_cache={tmp_path / 'disk'}"

    def build(*flags: str) -> Result:
        assert bazel.run("clean").status == 0
        result = bazel.run("build", *flags, "//good:hello_page")
        assert result.status == 0, result.output
        return result

    build(cache)
    before = digests(bazel.bin() / "good")
    assert "disk cache hit" in build(cache).output
    blobs = [path for path in (tmp_path / "disk" / "cas").rglob("*") if path.is_file()]
    assert blobs
    for blob in blobs:
        content = blob.read_bytes()
        blob.chmod(0o644)
        if damage == "flipped":
            blob.write_bytes(bytes(byte ^ 1 for byte in content))
        else:
            blob.write_bytes(content[: len(content) // 2] if damage == "truncated" else b"")
    result = build(cache)
    print(result.output)
    assert digests(bazel.bin() / "good") == before


@contextlib.contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A small file system at a folder. Skips the test where this may not be done."""
    folder.mkdir(parents=True)
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "lepton", str(folder)], capture_output=True, check=False
    )
    if mount.returncode != 0:
        pytest.skip(f"a file system cannot be mounted here: {mount.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize(
    ("name", "options", "line"),
    [
        (
            "full",
            "size=1m",
            "lepton: pass sample.misbehave (plugin sample 1.0.0) in //full:x: OSError: [Errno 28] No space left on "
            "device. Free space on the disk, then build again.",
        ),
        # Bazel finds it first.
        ("read_only", "ro", None),
    ],
)
def test_output_cannot_be_written(name: str, options: str, line: str | None, bazel: Bazel) -> None:
    folder = bazel.workspace / name
    folder.mkdir()
    (folder / "BUILD.bazel").write_text(
        _LOADS
        + 'lepton_recipe(name = "recipe", passes = [sample.misbehave(deed = "fill_the_disk")])\n'
        + 'lepton_artifact(name = "x", hardware = "//sample:page", model = "//good:hello", recipe = ":recipe")\n',
        encoding="utf-8",
    )
    with mounted(bazel.bin() / name, options):
        result = bazel.run("build", f"//{name}:x")
        print(result.output)
        assert result.status == 1
        assert result.lepton_lines() == ([line] if line else [])
        assert digests(bazel.bin() / name) == {}
    assert bazel.run("build", f"//{name}:x").status == 0
