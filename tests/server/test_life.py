"""Start, readiness and end, as Kubernetes asks for them."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import harness
import pytest
from harness import SLOW, asleep, serving, tensor
from lepton_server import options

from lepton_rules.plugin.errors import LeptonError

GOOD = {"inputs": [tensor("x", "FP32", [1, 4], [1, 2, 3, 4])]}


def test_live_while_loading_and_not_ready(tmp_path: Path) -> None:
    with serving(harness.slow(tmp_path, load_s=1), *SLOW, ready=False) as server:
        server.port = server.wait_for("listening")["port"]
        for path, status in {
            "/v2/health/live": 200,
            "/v2/health/ready": 503,
            "/v2/models/m/ready": 503,
            "/v2/models/m": 503,
            "/metrics": 200,
            "/v2": 200,
        }.items():
            assert server.ask("GET", path).status == status, path
        assert server.ask("GET", "/v2/health/ready").json() == {"ready": False}
        refused = server.infer(asleep(0))
        assert (refused.status, refused.headers["retry-after"]) == (503, "1")
        server.wait_for("ready")
        assert server.healthy()
        assert server.infer(asleep(0)).status == 200


def test_sigterm_while_loading(tmp_path: Path) -> None:
    with serving(harness.slow(tmp_path, load_s=20), *SLOW, ready=False) as server:
        server.wait_for("listening")
        server.signal()
        assert server.exit_code(2) == 0


def test_sigterm_while_python_starts(tmp_path: Path) -> None:
    for wait_s in (0.05, 0.1, 0.2):
        with serving(harness.double(tmp_path / str(wait_s)), ready=False) as server:
            time.sleep(wait_s)
            server.signal()
            assert server.exit_code(3) in (0, -signal.SIGTERM)


def test_sigterm_idle(tmp_path: Path) -> None:
    """Also with connections that are kept open and say nothing."""
    with serving(harness.double(tmp_path)) as server:
        with server.connect() as silent, server.connect() as idle:
            idle.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: m\r\n\r\n")
            assert idle.recv(4096).startswith(b"HTTP/1.1 200")
            server.signal()
            assert server.exit_code(2) == 0
            assert silent.recv(1) == b""
        assert server.wait_for("stopped")["abandoned"] == 0


@pytest.mark.parametrize("signals", [1, 2])
def test_sigterm_in_flight(tmp_path: Path, signals: int) -> None:
    """Who waits is answered, also in the queue; a second signal changes nothing; nobody new gets in."""
    with serving(harness.slow(tmp_path), *SLOW) as server, ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(server.infer, asleep(0.4)) for _ in range(3)]
        time.sleep(0.2)
        for _ in range(signals):
            server.signal()
            time.sleep(0.1)
        server.wait_for("draining")
        assert [each.result().status for each in asked] == [200] * 3
        assert server.exit_code(3) == 0
        with pytest.raises(OSError):
            server.connect()


def test_requests_are_taken_while_it_lingers(tmp_path: Path) -> None:
    with serving(harness.double(tmp_path), "--linger_s=1") as server:
        server.signal()
        server.wait_for("draining")
        assert server.ask("GET", "/v2/health/live").status == 200
        assert server.ask("GET", "/v2/health/ready").status == 503
        answer = server.infer(GOOD)
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert server.exit_code(4) == 0


def test_a_drain_under_load(tmp_path: Path) -> None:
    """Clients that keep their connections, until an answer says that it is the connection's last, lose no request."""

    def client() -> list[int]:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        with contextlib.closing(connection):
            statuses = []
            while True:
                connection.request("POST", "/v2/models/m/infer", json.dumps(GOOD))
                answer = connection.getresponse()
                answer.read()
                statuses.append(answer.status)
                if answer.headers["connection"] == "close":
                    return statuses

    with serving(harness.double(tmp_path), "--linger_s=0.5") as server, ThreadPoolExecutor(8) as pool:
        clients = [pool.submit(client) for _ in range(8)]
        time.sleep(0.3)
        server.signal()
        statuses = [status for each in clients for status in each.result(10)]
        assert len(statuses) > 50
        assert set(statuses) == {200}
        assert server.exit_code(4) == 0


def test_the_drain_ends(tmp_path: Path) -> None:
    with serving(harness.slow(tmp_path), *SLOW, "--drain_s=0.5") as server, ThreadPoolExecutor(1) as pool:
        asked = pool.submit(server.infer, asleep(20))
        time.sleep(0.2)
        server.signal()
        assert server.exit_code(4) == 1
        assert server.wait_for("stopped")["abandoned"] == 1
        assert asked.exception() is not None or asked.result().status >= 500


def damage(model: Path, kind: str) -> None:
    """Damages a model's directory."""
    file, manifest = model / "model.onnx", model / "manifest.json"
    if kind == "no directory":
        shutil.rmtree(model)
    elif kind == "no model":
        file.unlink()
    elif kind == "no manifest":
        manifest.unlink()
    elif kind == "truncated":
        file.write_bytes(file.read_bytes()[:-10])
    elif kind == "one bit":
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
    elif kind == "a manifest that is no JSON":
        manifest.write_text("{")
    elif kind == "a manifest of another schema":
        manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"schema_version": 2}))
    elif kind == "no onnx":
        file.write_bytes(b"<html>" * 100)
        facts = json.loads(manifest.read_text())
        manifest.unlink()
        file.rename(model.parent / "page")
        shutil.rmtree(model)
        specs = [[harness.TensorSpec.from_json(spec) for spec in facts[side]] for side in ("inputs", "outputs")]
        harness.write_model(model.parent, "onnx", {"model.onnx": b"<html>" * 100}, *specs)
    elif kind == "not readable":
        file.unlink()
        file.mkdir()


@pytest.mark.parametrize(
    "kind",
    [
        "no directory",
        "no model",
        "no manifest",
        "truncated",
        "one bit",
        "a manifest that is no JSON",
        "a manifest of another schema",
        "no onnx",
        "not readable",
    ],
)
def test_a_model_that_is_missing_or_corrupt(tmp_path: Path, kind: str) -> None:
    model = harness.double(tmp_path)
    damage(model, kind)
    with serving(model, ready=False) as server:
        assert server.exit_code(15) == 1
    assert not [entry for entry in server.logs if entry["event"] == "ready"]
    assert [entry for entry in server.logs if entry["level"] == "error" and entry["event"].startswith("lepton: ")]


def test_a_runtime_that_ends_the_process(tmp_path: Path) -> None:
    with serving(harness.slow(tmp_path, exit=True), *SLOW, ready=False) as server:
        assert server.exit_code(15) == 1


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (["--port=99999"], "--port is '99999', accepted is a whole number from 0 to 65535"),
        (["--runtime_plugin=onnxruntime", "--runtime_entry=lepton_plugin_absent"], "lepton_plugin_absent"),
        (["--runtime=onnxrutime", "--runtime_entry=lepton_plugin_onnxruntime"], "onnxruntime"),
        (["--host=256.0.0.1"], "--host"),
    ],
)
def test_a_server_that_cannot_start_says_why(tmp_path: Path, flags: list[str], why: str) -> None:
    with serving(harness.double(tmp_path), *flags, ready=False) as server:
        assert server.exit_code(15) in (1, 2)
    (error,) = [entry for entry in server.logs if entry["level"] == "error"]
    assert error["event"].startswith("lepton: ")
    assert why in error["event"]


@pytest.mark.parametrize(
    ("flag", "why"),
    [
        ("--max_batch=0", "--max_batch is '0', accepted is a whole number from 1"),
        ("--drain_s=nan", "accepted is a number from 0"),
        ("--verify=maybe", "accepted is 0, 1, true or false"),
        ("--log_level=loud", "accepted is debug or info or warning"),
        ("--quue=3", "--quue"),
        ("--name=a/b", "without /"),
        ("--name=", "without /"),
        ("--version=", "without /"),
    ],
)
def test_flags_that_are_not_accepted(flag: str, why: str) -> None:
    with pytest.raises(LeptonError) as caught:
        options.parse(["--model=/m", "--name=m", flag], {})
    assert why in str(caught.value)


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with (
        serving(harness.double(tmp_path)) as server,
        serving(harness.double(tmp_path / "other"), f"--port={server.port}", ready=False) as other,
    ):
        assert other.exit_code(15) == 1
        assert server.healthy()


def test_flags_come_from_the_environment(tmp_path: Path) -> None:
    with serving(harness.double(tmp_path), environment={"LEPTON_MAX_BODY_BYTES": "10"}) as server:
        assert server.infer(GOOD).status == 413


def test_any_user_and_a_read_only_root(tmp_path: Path) -> None:
    """No capability, nothing that can be written, no home, no place for temporary files; as somebody unknown, where
    the files of this tree are not for their owner alone."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None or shutil.which("unshare") is None:
        pytest.skip("needs root, and setpriv and unshare of util-linux")
    if subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode:
        pytest.skip("no mount namespace can be made here")
    model = harness.double(tmp_path)
    paths = [Path(sys.executable).resolve(), harness.ROOT, tmp_path]
    owned = any(not folder.stat().st_mode & 0o005 for path in paths for folder in path.parents)
    user = "--securebits=+noroot,+noroot_locked" if owned else "--reuid=54321 --regid=54321 --clear-groups"
    read_only = (
        "mount --make-rprivate / && for m in $(awk '{print $5}' /proc/self/mountinfo | sort -r); do case $m in"
        " /proc*|/sys*) ;; *) mount -o remount,bind,ro $m 2>/dev/null;; esac; done;"
        " touch /tmp/x 2>/dev/null && exit 97;"
        f' exec setpriv {user} --bounding-set=-all --inh-caps=-all --no-new-privs "$@"'
    )
    prefix = ["unshare", "--mount", "sh", "-c", read_only, "sh"]
    with serving(model, prefix=prefix, environment={"HOME": "/nonexistent"}, ready=False) as server:
        server.port = server.wait_for("listening")["port"]
        server.wait_for("ready")
        status = Path(f"/proc/{server.process.pid}/status").read_text()
        assert owned or "Uid:\t54321\t54321" in status
        assert "CapEff:\t0000000000000000" in status
        assert server.infer(GOOD).status == 200
        server.signal()
        assert server.exit_code(3) == 0


def test_help() -> None:
    command = [sys.executable, "-m", "lepton_server", "--help"]
    paths = os.pathsep.join([*map(str, (harness.ROOT, harness.ROOT / "server")), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(command, check=True, capture_output=True, env=os.environ | {"PYTHONPATH": paths})
    assert b"--max_batch_delay_ms" in done.stdout
