"""Actions run by hand: each as a process of its own, by the command line that Bazel would use."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.aquery import Action
from harness.bazel import Broken, remove


@dataclass(frozen=True)
class Cost:
    """Of a process and all that it waited for: wall time in seconds, and the resident set of the largest in bytes."""

    seconds: float
    peak: int


def act(action: Action, root: Path, scratch: Path) -> Cost:
    """Runs an action whose inputs are built.

    Args:
      action: from `aquery`.
      root: the execution root.
      scratch: a folder for its outputs; removed first.
    """
    remove(scratch)
    scratch.mkdir(parents=True)
    words = []
    for word in action.words:
        key, _, value = word.partition("=")
        words.append(f"{key}={scratch / Path(value).name}" if key.startswith("--output_") else word)
    return measure_process(words, root, action.variables, scratch / "log")


def measure_process(words: Sequence[str | Path], cwd: Path, variables: Mapping[str, str], log: Path) -> Cost:
    """Runs a process to its end, with these variables and PATH alone."""
    with log.open("wb") as file:
        start = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in words],
            cwd=cwd,
            env={"PATH": os.defpath, **variables},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        tail = "\n  ".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:])
        raise Broken(f"{words[1]} exited with {process.returncode}:\n  {tail}")
    return Cost(seconds, usage.ru_maxrss * 1024)
