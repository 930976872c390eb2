"""The worker as Bazel sees it: a process that is given lines and answers with lines."""

from __future__ import annotations

import json
import os
import selectors
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import lepton_rules

_PACKAGE = Path(lepton_rules.__file__).parent

# What the rules give every action, and nothing more. Bazel adds TMPDIR.
ENVIRONMENT = {
    "LC_ALL": "C.UTF-8",
    "MKL_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "ORT_DISABLE_TELEMETRY": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONNOUSERSITE": "1",
    "PYTHONSAFEPATH": "1",
}

LABEL = "//some:target"


def install(directory: Path) -> Path:
    """Lays out lepton_rules in `directory` with one action more, tests/worker/behave.py. Returns its main.py."""
    package = directory / "lepton_rules"
    (package / "actions").mkdir(parents=True)
    (directory / "temporary").mkdir()
    for name in ("__init__.py", "worker", "plugin"):
        (package / name).symlink_to(_PACKAGE / name)
    for name in ("__init__.py", "arguments.py"):
        shutil.copy(_PACKAGE / "actions" / name, package / "actions" / name)
    shutil.copy(Path(__file__).with_name("behave.py"), package / "actions" / "behave.py")
    return package / "worker" / "main.py"


def temporary_directory(main: Path) -> Path:
    """Where a worker of that installation puts its temporary files."""
    return main.parents[2] / "temporary"


def environment(main: Path) -> dict[str, str]:
    """The environment of a worker of that installation."""
    return {**ENVIRONMENT, "TMPDIR": str(temporary_directory(main))}


@dataclass(frozen=True)
class Outcome:
    """What became of one action, however it was run."""

    exit_code: int
    output: str
    request_id: int = 0
    was_cancelled: bool = False

    @property
    def first_line(self) -> str:
        """The line that a user reads."""
        return self.output.split("\n", 1)[0]


def flags(do: str, values: Mapping[str, object]) -> list[str]:
    """The flag lines of the action `behave`. A list of values repeats its key."""
    lines = ["--action=behave", f"--label={LABEL}", f"--do={do}"]
    for key, value in values.items():
        lines += [f"--{key}={one}" for one in (value if isinstance(value, list) else [value])]
    return lines


class Worker:
    """A persistent worker process. Used as a context, it must end well when its standard input does."""

    def __init__(self, main: Path, *options: str, cwd: Path | None = None, through: Sequence[str] = ()) -> None:
        """Starts a worker, `through` a command that runs another."""
        self._log = main.parents[2] / f"worker-{time.monotonic_ns()}.log"
        with self._log.open("wb") as log_file:
            self.process = subprocess.Popen(
                [*through, sys.executable, "-s", "-P", str(main), *options, "--persistent_worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log_file,
                env=environment(main),
                cwd=cwd or main.parents[2],
            )
        self._selector = selectors.DefaultSelector()
        assert self.process.stdout is not None
        self._selector.register(self.process.stdout, selectors.EVENT_READ)
        self._received = b""

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            assert self.close() == 0, self.log()
        else:
            self.process.kill()
            self.process.wait()

    def close(self) -> int:
        """Ends the worker's standard input, and returns its exit code."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        try:
            return self.process.wait(timeout=30)
        finally:
            self.process.stdout.close()

    def log(self) -> str:
        """What the worker wrote to standard error, which Bazel keeps in a file."""
        return self._log.read_text()

    def send(self, data: bytes) -> None:
        """Sends raw bytes."""
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def ask(self, do: str, *, request: Mapping[str, Any] | None = None, **values: object) -> None:
        """Sends a request and does not wait."""
        self.send(json.dumps({"arguments": flags(do, values), **(request or {})}).encode() + b"\n")

    def cancel(self, request_id: int) -> None:
        """Sends a request to cancel."""
        self.send(json.dumps({"requestId": request_id, "cancel": True}).encode() + b"\n")

    def receive(self, timeout: float = 30) -> Outcome | None:
        """The next response, or None when none comes in `timeout` seconds."""
        assert self.process.stdout is not None
        deadline = time.monotonic() + timeout
        while b"\n" not in self._received:
            if not self._selector.select(max(0, deadline - time.monotonic())):
                return None
            data = os.read(self.process.stdout.fileno(), 2**16)
            assert data, f"the worker ended: {self.log()}"
            self._received += data
        line, _, self._received = self._received.partition(b"\n")
        response = json.loads(line)
        unknown = set(response) - {"exitCode", "output", "requestId", "wasCancelled"}
        assert not unknown, f"Bazel refuses a response with {unknown}"
        return Outcome(
            response["exitCode"], response["output"], response["requestId"], response.get("wasCancelled", False)
        )

    def do(self, do: str, *, request: Mapping[str, Any] | None = None, **values: object) -> Outcome:
        """Sends a request and waits for its response."""
        self.ask(do, request=request, **values)
        outcome = self.receive()
        assert outcome is not None, f"no response: {self.log()}"
        return outcome


def run_cold(main: Path, do: str, *options: str, cwd: Path | None = None, **values: object) -> Outcome:
    """Runs one action in a process of its own, as Bazel does without workers."""
    flag_file = main.parents[2] / "flags"
    flag_file.write_text("".join(f"{line}\n" for line in flags(do, values)))
    done = subprocess.run(
        [sys.executable, "-s", "-P", str(main), *options, f"@{flag_file}"],
        env=environment(main),
        cwd=cwd or main.parents[2],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.stdout == b"", "an action's output belongs on standard error"
    return Outcome(done.returncode, done.stderr.decode())


def is_gone(pid: int, within: float = 5) -> bool:
    """Whether a process ends in the given seconds."""
    deadline = time.monotonic() + within
    while Path(f"/proc/{pid}").exists():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def unfinished(output: Path, within: float = 20) -> str:
    """What an action that is still at work has written for the declared `output`, as soon as there is something."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        for staged in output.parent.glob(f".lepton-*/*/{output.name}"):
            if text := staged.read_text():
                return text
        time.sleep(0.02)
    raise AssertionError(f"nothing was written for {output}")


def resident_kib(pid: int) -> int:
    """The memory of a process that is in use, in KiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")
