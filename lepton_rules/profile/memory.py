"""How much memory a model takes, in a process of its own: nothing else was in it before, and nothing is left after.

Linux counts the most that a process ever had in memory (VmHWM in /proc/self/status); writing 5 to
/proc/self/clear_refs begins that count again (proc(5)). Both are kilobytes of 1,024.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lepton_rules.plugin.errors import LeptonError

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Bytes of resident memory.

    Attributes:
      libraries: before the model is loaded.
      load_peak: the most while it is loaded.
      loaded: after that.
      inference_peak: the most while it runs.
    """

    libraries: int
    load_peak: int
    loaded: int
    inference_peak: int


def resident(field: str = "VmRSS") -> int:
    """Bytes that this process has in memory, or with "VmHWM" ever had since the count began; 0 where nobody counts."""
    try:
        for line in _STATUS.read_text(encoding="ascii").splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def observe(load: Callable[[], Callable[[], object]]) -> Memory:
    """Counts in this process. `load` makes the model ready, what it returns runs it."""
    _begin()
    libraries = resident()
    run = load()
    load_peak, loaded = resident("VmHWM"), resident()
    _begin()
    run()
    return Memory(libraries=libraries, load_peak=load_peak, loaded=loaded, inference_peak=resident("VmHWM"))


def observe_elsewhere(program: Path, flags: Sequence[str]) -> Memory:
    """Runs a program that prints a Memory as JSON on its last line, in this interpreter.

    Raises:
      LeptonError: it failed.
    """
    command = [sys.executable, "-s", "-P", str(program), *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip().splitlines() or ["it said nothing"]
        raise LeptonError("memory of the model", f"its process failed ({said[-1]})", "See why it does not run alone")
    return Memory(**json.loads(done.stdout.splitlines()[-1]))


def _begin() -> None:
    try:
        with os.fdopen(os.open(_RESET, os.O_WRONLY), "w") as stream:
            stream.write("5")
    except OSError:
        pass  # no such count here: the peaks are then those since the process began
