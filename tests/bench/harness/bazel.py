"""Bazel, timed: an output base of the benchmark's own, and no option of this user or machine but the system's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TREE = Path(__file__).resolve().parents[3]


class Broken(Exception):
    """A command that had to succeed did not: the bar is not measured, which is not a pass."""


@dataclass(frozen=True)
class Run:
    """One command that ended: its output (stdout and stderr together, or apart), and its wall time in seconds."""

    status: int
    output: str
    seconds: float


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    environment: Mapping[str, str] | None = None,
    check: bool = True,
    keep_stderr: bool = True,
) -> Run:
    """Runs a command to its end.

    Args:
      command: program and arguments.
      cwd: where it runs.
      environment: variables over the benchmark's own.
      check: whether a failure raises Broken.
      keep_stderr: whether standard error is in `output` too.
    """
    start = time.perf_counter()
    process = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if keep_stderr else subprocess.DEVNULL,
        check=False,
    )
    seconds = time.perf_counter() - start
    output = process.stdout.decode("utf-8", "replace")
    if check and process.returncode != 0:
        lines = "\n  ".join(output.strip().splitlines()[-12:])
        raise Broken(f"{' '.join(str(word) for word in command[-3:])} exited with {process.returncode}:\n  {lines}")
    return Run(process.returncode, output, seconds)


@dataclass(frozen=True)
class Bazel:
    """One server on one output base.

    Args:
      workspace: the folder with the MODULE.bazel.
      base: the output base.
      rc: the .bazelrc to read, or None for Bazel's defaults.
      flags: flags of every command but `shutdown`.
    """

    workspace: Path
    base: Path
    rc: Path | None = None
    flags: Sequence[str] = ()

    def command(self, command: str, *arguments: str) -> list[str]:
        """The command line."""
        program = os.environ.get("LEPTON_BAZEL") or str(TREE / "bazelw")
        startup = [f"--output_base={self.base}", "--noworkspace_rc", "--nohome_rc"]
        if self.rc:
            startup.append(f"--bazelrc={self.rc}")
        flags = ["--color=no", "--curses=no", "--lockfile_mode=off", *self.flags] if command != "shutdown" else []
        if command in ("build", "test", "run", "aquery", "cquery"):
            flags.append("--experimental_convenience_symlinks=ignore")
        return [program, *startup, command, *flags, *arguments]

    def run(self, command: str, *arguments: str, check: bool = True) -> Run:
        """Runs one command to its end."""
        return run(self.command(command, *arguments), cwd=self.workspace, check=check)

    def query(self, command: str, *arguments: str) -> Run:
        """Runs a command whose answer is on standard output."""
        return run(self.command(command, *arguments), cwd=self.workspace, keep_stderr=False)

    def actions(self, expression: str, *flags: str) -> dict[str, Any]:
        """`aquery` of an expression, as its JSON."""
        answer: dict[str, Any] = json.loads(self.query("aquery", "--output=jsonproto", *flags, expression).output)
        return answer

    def bin(self) -> Path:
        """bazel-bin, without the link."""
        return Path(self.query("info", "bazel-bin").output.strip())

    def server(self) -> int:
        """The process of the server."""
        return int((self.base / "server" / "server.pid.txt").read_text(encoding="ascii"))

    def shutdown(self) -> None:
        """Ends the server."""
        self.run("shutdown", check=False)

    def forget(self) -> None:
        """Ends the server and removes the output base."""
        if self.base.exists():
            self.shutdown()
            remove(self.base)


def project_rc(folder: Path) -> Path:
    """The project's .bazelrc without its last line, which brings in the options of this person: a disk cache would
    answer what is to be measured."""
    lines = (TREE / ".bazelrc").read_text(encoding="utf-8").splitlines(keepends=True)
    rc = folder / "bazelrc"
    rc.write_text("".join(line for line in lines if not line.startswith("try-import")), encoding="utf-8")
    return rc


def write(path: Path, text: str) -> None:
    """Writes a file, and the folders that it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def remove(folder: Path) -> None:
    """Removes a folder in which something may be read-only."""
    if folder.exists():
        subprocess.run(["chmod", "-R", "u+w", str(folder)], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(folder)
