"""The worker under Bazel: with Bazel's defaults, in both of its worker sandboxes, and without a worker."""

import json
import re
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bazel import Bazel, Result
from module import place
from support import is_gone

from lepton_rules import manifest as manifests
from lepton_rules.plugin import ModelFacts, TensorSpec

WAYS = {
    "defaults": [],
    "sandboxed": ["--worker_sandboxing"],
    "hardened": ["--worker_sandboxing", "--experimental_worker_sandbox_hardening"],
    "cold": ["--strategy=LeptonRun=sandboxed"],
}

GOOD = ("print", "write")

# What each bad one's line says, a regular expression. The version is not known of a process that could say nothing.
BAD = {
    "connect": r"ConnectionRefusedError: \[Errno 111\] Connection refused\. Actions have no network",
    "eat_memory": "it needs more memory than the ",
    "leave_daemon": "it left 1 process behind: ",
    "os_exit": "its process ended with code 0 before the action had returned",
    "raise": "ValueError: the plugin's own words\\. ",
    "segfault": r"it crashed in native code \(SIGSEGV\)\. ",
    "system_exit": r"it raised SystemExit\(0\)\. ",
    "write_elsewhere": r"(PermissionError: \[Errno 13\]|OSError: \[Errno 30\]) ",
    "write_here": r"it wrote beside its output: 'cache\.bin' in its working directory\. ",
}


@pytest.fixture(scope="module")
def listener() -> Iterator[int]:
    """The port of a server on this machine that no action may reach."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture(scope="module")
def bazel(listener: int) -> Iterator[Bazel]:
    """A Bazel with its own defaults, in a copy of the module with the files that the module leaves to this test."""
    here = Path(__file__).parent
    workspace = place(here / "module", "worker")
    shutil.copy(here / "behave.py", workspace / "plugin" / "lepton_plugin_fake")
    options = {"port": str(listener), "elsewhere": str(workspace / "stray")}
    (workspace / "options.bzl").write_text(f"OPTIONS = {json.dumps(options)}\n")
    # An environment of three files, as lepton.environment makes one, around the Python of this test.
    (workspace / "env" / "prefix").mkdir(parents=True)
    (workspace / "env" / "prefix" / "lock").write_text("1")
    (workspace / "env" / "env.key").write_text("1")
    launcher = workspace / "env" / "launch"
    launcher.write_text(f'#!/bin/sh\nexec {sys.executable} -s -P "$@"\n')
    launcher.chmod(0o755)
    (workspace / "model").mkdir()
    (workspace / "model" / "model.onnx").write_bytes(b"a model")
    tensor = (TensorSpec("x", "float32", ("batch", 1)),)
    facts = ModelFacts(inputs=tensor, outputs=tensor, parameters=1, macs=None)
    step = {"pass": "fake.made", "config": {}, "config_version": 1, "plugin": {"name": "fake", "version": "1"}}
    made = manifests.build(
        format="onnx", facts=facts, directory=workspace / "model", step={**step, "libraries": {}}, parent=None
    )
    manifests.write(made, workspace / "model.json")
    nested = Bazel(workspace, "worker")
    yield nested
    nested.shutdown()


def _build(bazel: Bazel, *arguments: str, seed: int = 0) -> Result:
    """Builds targets. Another hash seed is another action, so that Bazel does not remember it, with the same result."""
    return bazel.run("build", "--keep_going", f"--@lepton_rules//lepton_rules/settings:hash_seed={seed}", *arguments)


def _bin(bazel: Bazel) -> Path:
    return bazel.output_base() / "execroot" / "_main" / "bazel-out" / "k8-fastbuild" / "bin"


@pytest.fixture(scope="module", params=WAYS)
def built(request: pytest.FixtureRequest, bazel: Bazel) -> Result:
    """Everything built in one way."""
    seed = 1 + list(WAYS).index(request.param)
    result = _build(bazel, *WAYS[request.param], *(f"//:{name}" for name in (*GOOD, *BAD)), seed=seed)
    assert result.status == 1, result.output
    return result


def test_every_way(bazel: Bazel, built: Result) -> None:
    lines = built.lepton_lines()
    for name, why in BAD.items():
        line = re.compile(rf"lepton: pass fake\.behave \(plugin fake( 1\.0\.0)?\) in //:{name}: {why}")
        assert list(filter(line.match, lines)), f"{line.pattern}\n{built.output}"
    assert len(lines) == len(BAD), built.output
    for printed in ("python stdout", "python stderr", "C stdout", "C stderr", "child stdout", "child stderr"):
        assert f"\n{printed}\n" in built.output


def test_nothing_is_left_of_what_failed(bazel: Bazel, built: Result) -> None:
    left = [path for name in BAD for path in (_bin(bazel) / name).rglob("*") if path.is_file()]
    assert [path for path in left if path.suffix != ".params"] == [], "but for the flag files, which are Bazel's"
    assert not list(_bin(bazel).rglob(".lepton-*"))
    assert not (bazel.workspace / "stray").exists()


_first: dict[str, bytes] = {}


def test_every_way_and_hash_seed_gives_the_same_bytes(bazel: Bazel, built: Result) -> None:
    for name in GOOD:
        for file in ("manifest.json", "weights.sha256", "model/model.onnx"):
            data = (_bin(bazel) / name / file).read_bytes()
            assert _first.setdefault(f"{name}/{file}", data) == data


def test_one_worker_serves_until_the_environment_changes(bazel: Bazel) -> None:
    """An edited plugin is run by the same worker, a changed environment by a new one."""

    def worker() -> str:
        result = _build(bazel, "//:parent")
        assert result.status == 0, result.output
        return (_bin(bazel) / "parent" / "model" / "model.onnx").read_text()

    def edit(path: str, text: str) -> None:
        with (bazel.workspace / path).open("a") as file:
            file.write(text)

    first = worker()
    edit("plugin/lepton_plugin_fake/behave.py", "\n\ndef do_write(arguments): _write(arguments, 'edited')\n")
    assert _build(bazel, "//:write").status == 0
    assert (_bin(bazel) / "write" / "model" / "model.onnx").read_text() == "edited"
    assert worker() == first
    edit("env/env.key", "2")
    second = worker()
    assert second != first
    edit("env/prefix/lock", "2")
    edit("env/env.key", "3")
    assert worker() not in (first, second)


@pytest.mark.parametrize("cancellation", [False, True], ids=["killed", "cancelled"])
def test_an_interrupted_build_leaves_nothing(bazel: Bazel, cancellation: bool) -> None:
    flags = [f"--experimental_worker_cancellation={str(cancellation).lower()}"]
    output = _bin(bazel) / "hang_with_family" / "model" / "model.onnx"
    build = bazel.start("build", *flags, "//:hang_with_family")
    family = json.loads(_unfinished(output.parent))
    build.send_signal(signal.SIGINT)
    said, _ = build.communicate(timeout=60)
    assert build.returncode == 8, said.decode()
    assert all(is_gone(pid) for pid in family), "the action has ended, and what it had started"
    assert not output.exists()
    assert _build(bazel, *flags, "//:write", seed=7).status == 0


def _unfinished(directory: Path) -> str:
    """What the action that is at work has written to the model directory, as soon as it is there."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for file in directory.parent.glob(f".lepton-*/*/{directory.name}/model.onnx"):
            if text := file.read_text():
                return text
        time.sleep(0.05)
    raise AssertionError("the action did not start")
