"""Memory: an idle worker of the torch environment, and the whole build of the main job at its peak."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from harness.bar import Bar, Options
from harness.bazel import TREE, Bazel

_TARGET = "//models:resnet_int8_gpu"


def _processes(base: Path) -> dict[int, tuple[str, int]]:
    """Process to command line and proportional memory in KiB, of all that belongs to one output base."""
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            if str(base) not in command:
                continue
            lines = (folder / "smaps_rollup").read_text(encoding="ascii").splitlines()
            memory = next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        except (OSError, StopIteration):
            continue  # It ended meanwhile, or is another user's.
        found[int(folder.name)] = (command, memory)
    return found


def _peak(bazel: Bazel, base: Path) -> tuple[float, float]:
    """GiB at the peak of a build from nothing with the Bazel server, and of the largest idle worker after it."""
    process = subprocess.Popen(
        bazel.command("build", _TARGET), cwd=TREE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(memory for _, memory in _processes(base).values()))
        time.sleep(0.5)
    if process.returncode != 0:
        raise RuntimeError(f"the build of {_TARGET} failed")
    idle = max((m for c, m in _processes(base).values() if "main.py" in c and "torch" in c), default=0)
    return peak / 2**20, idle / 2**20


def measure(options: Options) -> list[Bar]:
    """With Bazel's defaults, so with its number of workers; every action runs."""
    base = options.folder / "base_memory"
    bazel = Bazel(TREE, base)
    bazel.forget()
    peak, idle = _peak(bazel, base)
    bazel.forget()
    return [
        Bar("idle worker, torch", "<= 0.8 GB", idle, "GiB", 0 < idle <= 0.745, "PSS after the build"),
        Bar("peak of the main job", "<= 5 GB", peak, "GiB", 0 < peak <= 4.65, "PSS with Bazel's server, defaults"),
    ]
