"""A server of the real int8 ResNet, and what asks it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.bar import Options
from harness.bazel import TREE, Bazel, Broken, remove, run

_PROGRAMS = TREE / "tests" / "bench" / "serving"


@dataclass(frozen=True)
class Setting:
    """What is served.

    Attributes:
      python: of the environment that runs in images.
      model: the directory, as an image has it.
      scratch: for files that are handed over.
    """

    python: Path
    model: Path
    scratch: Path

    def direct(self, threads: int, workers: int, clients: int, seconds: float) -> dict[str, Any]:
        """What the runtime does when it is called without a server."""
        return _report(self.python, _PROGRAMS / "direct.py", self.model, threads, workers, clients, seconds)

    def request(self) -> Path:
        """A file with one request for one image, binary both ways."""
        raw = bytes(1024)
        entry: dict[str, Any] = {"name": "image", "datatype": "FP32", "shape": [1, 1, 16, 16]}
        entry["parameters"] = {"binary_data_size": len(raw)}
        body = json.dumps({"inputs": [entry], "parameters": {"binary_data_output": True}}).encode()
        length = len(body)
        body += raw
        head = f"POST /v2/models/m/infer HTTP/1.1\r\nHost: m\r\nInference-Header-Content-Length: {length}\r\n"
        path = self.scratch / "request"
        path.write_bytes(head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        return path

    @contextlib.contextmanager
    def serving(self, *flags: str) -> Iterator[Server]:
        """Runs a server, which has answered that it is ready, on a port that was free."""
        words = [self.python, "-s", "-m", "lepton_server", f"--model={self.model}", "--name=m", "--host=127.0.0.1"]
        words += ["--port=0", "--runtime_entry=lepton_plugin_onnxruntime", *flags]
        log = self.scratch / "server.log"
        with log.open("wb") as file:
            process = subprocess.Popen([str(word) for word in words], stderr=file, env=_environment())
        try:
            yield _ready(process, log, self)
        finally:
            process.kill()
            process.wait()


@dataclass(frozen=True)
class Server:
    """A server's process, and where it listens."""

    setting: Setting
    pid: int
    port: int

    def load(self, clients: int, seconds: float, rate: float = 0) -> dict[str, Any]:
        """What it does for these clients; see serving/load.py."""
        words = [_PROGRAMS / "load.py", self.port, self.setting.request(), clients, seconds, *([rate] if rate else [])]
        return _report(self.setting.python, *words)

    def ask(self, method: str, path: str, body: bytes, headers: dict[str, str] | None = None) -> int:
        """The status of the answer to one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            connection.request(method, path, body or None, headers or {})
            answer = connection.getresponse()
            answer.read()
            return answer.status

    def resident(self) -> int:
        """Bytes of resident memory."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1])
        if not pages:
            # A process that nobody has waited for yet.
            raise Broken("the server has ended")
        return pages * os.sysconf("SC_PAGE_SIZE")


def built(options: Options) -> Setting:
    """Builds the artifact and the environment that serves it, and lays the model out as an image has it."""
    bazel = Bazel(TREE, options.folder / "base", rc=options.rc)
    bazel.run("build", "//models:resnet_int8_cpu", "@lepton_rules_serve//:environment")
    steps = list(bazel.bin().glob("models/resnet/resnet_int8_cpu/*/manifest.json"))
    prefixes = list((bazel.base / "external").glob("*lepton_rules_serve/prefix"))
    bazel.shutdown()
    if not steps or not prefixes:
        raise Broken("//models:resnet_int8_cpu or its environment is not where it was expected")
    last = max(steps, key=lambda path: int(path.parent.name.split("_")[0])).parent
    scratch = options.folder / "serving"
    remove(scratch)
    shutil.copytree(last / "model", scratch / "model")
    shutil.copy(last / "manifest.json", scratch / "model")
    return Setting(prefixes[0] / "bin" / "python3", scratch / "model", scratch)


def _ready(process: subprocess.Popen[bytes], log: Path, setting: Setting) -> Server:
    """Waits until the log has said where the server listens, and that it is ready."""
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until:
        # What was not written to its end has no line break yet.
        lines = log.read_text(encoding="utf-8").split("\n")[:-1]
        events = {entry["event"]: entry for entry in map(json.loads, lines)}
        if "ready" in events:
            return Server(setting, process.pid, events["listening"]["port"])
        time.sleep(0.05)
    raise Broken(f"the server is not ready: {log.read_text(encoding='utf-8')[-1000:]}")


def _report(python: Path, *words: object) -> dict[str, Any]:
    """The JSON that a program of the folder serving prints."""
    answer = run([python, "-s", *map(str, words)], cwd=TREE, environment=_environment(), keep_stderr=False)
    found: dict[str, Any] = json.loads(answer.output)
    return found


def _environment() -> dict[str, str]:
    paths = (TREE, TREE / "server", TREE / "plugins" / "onnxruntime")
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths)), "ORT_DISABLE_TELEMETRY": "1"}
