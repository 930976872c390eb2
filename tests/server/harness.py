"""Servers, models and clients for the tests: real processes, real onnxruntime, real sockets."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).absolute().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "server"), str(ROOT / "plugins/onnxruntime")]

from lepton_rules import manifest as manifests  # noqa: E402  the path comes first
from lepton_rules.plugin import ModelFacts, NoConfig, TensorSpec  # noqa: E402

_START_S = 30.0


def write_model(
    folder: Path, format: str, files: Mapping[str, bytes], inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]
) -> Path:
    """Writes a model with its manifest, as an image has them, and returns the directory."""
    directory = folder / "model"
    directory.mkdir(parents=True)
    for name, data in files.items():
        (directory / name).write_bytes(data)
    step = manifests.step(component="onnx.onnx", config=NoConfig(), plugin="onnx", version="1", libraries={})
    facts = ModelFacts(inputs=tuple(inputs), outputs=tuple(outputs), parameters=0, macs=None)
    manifest = manifests.build(format=format, facts=facts, directory=directory, step=step)
    manifests.write(manifest, directory / "manifest.json")
    return directory


def onnx_model(folder: Path, nodes: Sequence[Any], inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> Path:
    """Writes an ONNX model of these nodes."""
    import numpy as np
    from onnx import TensorProto, checker, helper

    def value(spec: TensorSpec) -> Any:
        kind = TensorProto.STRING if spec.dtype == "str" else helper.np_dtype_to_tensor_dtype(np.dtype(spec.dtype))
        return helper.make_tensor_value_info(spec.name, kind, list(spec.shape))

    graph = helper.make_graph(list(nodes), "model", [value(spec) for spec in inputs], [value(spec) for spec in outputs])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    checker.check_model(model)
    return write_model(folder, "onnx", {"model.onnx": model.SerializeToString()}, inputs, outputs)


def double(folder: Path) -> Path:
    """`y = x + x`, float32 [batch, 4]."""
    from onnx import helper

    x, y = TensorSpec("x", "float32", ("batch", 4)), TensorSpec("y", "float32", ("batch", 4))
    return onnx_model(folder, [helper.make_node("Add", ["x", "x"], ["y"])], [x], [y])


def slow(folder: Path, load_s: float = 0, exit: bool = False) -> Path:
    """A model for the runtime of lepton_plugin_slow: float64 [batch] of seconds to sleep."""
    settings = json.dumps({"load_s": load_s, "exit": exit}).encode()
    seconds, slept = TensorSpec("seconds", "float64", ("batch",)), TensorSpec("slept", "float64", ("batch",))
    rows = TensorSpec("rows", "int64", ("batch",))
    return write_model(folder, "slow", {"settings.json": settings}, [seconds], [slept, rows])


SLOW = ("--runtime_plugin=slow", "--runtime_entry=lepton_plugin_slow", "--runtime=slow")


def artifact(name: str) -> Path | None:
    """Returns the folder of a model that Bazel built, `model/` and manifest.json in it; None where there is none."""
    for root in (ROOT, ROOT / "bazel-bin"):
        steps = {path.parent for path in (root / "models").glob(f"*/{name}/*/manifest.json")}
        if steps:
            return max(steps, key=lambda step: int(step.name.split("_")[0]))
    return None


def assemble(built: Path, folder: Path) -> Path:
    """Copies a model that Bazel built into one directory, as an image has it."""
    directory = folder / "model"
    shutil.copytree(built / "model", directory)
    shutil.copy(built / "manifest.json", directory)
    return directory


@dataclass
class Answer:
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Returns the body as JSON."""
        return json.loads(self.body)


@dataclass
class Server:
    """A server's process. `logs` are the lines that it has written so far, parsed."""

    process: subprocess.Popen[bytes]
    logs: list[dict[str, Any]] = field(default_factory=list)
    _events: queue.SimpleQueue[dict[str, Any] | None] = field(default_factory=queue.SimpleQueue)
    port: int = 0
    grpc_port: int = 0

    def wait_for(self, event: str, seconds: float = _START_S) -> dict[str, Any]:
        """Returns the log entry `event`, which may have been written before. AssertionError where it does not come."""
        for entry in self.logs:
            if entry["event"] == event:
                return entry
        until = time.monotonic() + seconds
        while True:
            try:
                entry = self._events.get(timeout=max(until - time.monotonic(), 0))
            except queue.Empty:
                raise AssertionError(f"no {event!r} within {seconds} s: {self.logs}") from None
            assert entry is not None, f"the server ended before {event!r}: {self.logs}"
            if entry["event"] == event:
                return entry

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Sends one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_START_S)
        with contextlib.closing(connection):
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())

    def infer(self, request: object, headers: Mapping[str, str] | None = None, model: str = "m") -> Answer:
        """Asks for inference: an object is sent as JSON, bytes as they are."""
        body = request if isinstance(request, bytes) else json.dumps(request).encode()
        return self.ask("POST", f"/v2/models/{model}/infer", body, headers)

    def healthy(self) -> bool:
        """Whether live and ready both answer 200."""
        return all(self.ask("GET", f"/v2/health/{what}").status == 200 for what in ("live", "ready"))

    def connect(self) -> socket.socket:
        """Returns a bare connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=_START_S)

    def resident_bytes(self, peak: bool = False) -> int:
        """Returns the process's resident memory, or its peak."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("utf-8")
        line = next(line for line in status.splitlines() if line.startswith("VmHWM" if peak else "VmRSS"))
        return int(line.split()[1]) * 1024

    def signal(self, number: int = signal.SIGTERM) -> None:
        """Sends a signal."""
        self.process.send_signal(number)

    def exit_code(self, seconds: float = _START_S) -> int:
        """Waits for the end, and returns the exit code."""
        return self.process.wait(seconds)

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            try:
                entry = json.loads(line)
            except ValueError:
                entry = {"event": "NOT JSON", "line": line.decode(errors="replace")}
            self.logs.append(entry)
            self._events.put(entry)
        self._events.put(None)


@contextlib.contextmanager
def serving(
    model: Path,
    *flags: str,
    ready: bool = True,
    prefix: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Runs a server for `model`, called `m`, and kills it at the end.

    Args:
        model: the directory.
        flags: further flags.
        ready: whether to wait until it is ready.
        prefix: words before the command, such as `prlimit --as=…`.
        environment: further variables.
    """
    paths = [ROOT, ROOT / "server", ROOT / "plugins/onnxruntime", ROOT / "tests/server/plugin"]
    variables = os.environ | {
        "PYTHONPATH": os.pathsep.join([*map(str, paths), os.environ.get("PYTHONPATH", "")]),
        "ORT_DISABLE_TELEMETRY": "1",
        **(environment or {}),
    }
    command = [*prefix, sys.executable, "-s", "-m", "lepton_server", f"--model={model}", "--name=m", "--port=0"]
    command += ["--host=127.0.0.1", *(() if any("runtime" in flag for flag in flags) else (_ONNXRUNTIME,)), *flags]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, env=variables)
    server = Server(process)
    reader = threading.Thread(target=server._read, daemon=True)
    reader.start()
    try:
        if ready:
            server.port = server.wait_for("listening")["port"]
            server.wait_for("ready")
        yield server
    finally:
        process.kill()
        process.wait()
        reader.join()


_ONNXRUNTIME = "--runtime_entry=lepton_plugin_onnxruntime"


def tensor(name: str, datatype: str, shape: Sequence[int], data: object) -> dict[str, Any]:
    """Returns an input as JSON has it."""
    return {"name": name, "datatype": datatype, "shape": list(shape), "data": data}


def asleep(*seconds: float) -> dict[str, Any]:
    """Returns a request to the model `slow`."""
    return {"inputs": [tensor("seconds", "FP64", [len(seconds)], list(seconds))]}
