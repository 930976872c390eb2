"""Memory: the whole build of the main job at its peak, and a worker of the torch environment that has nothing to do."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from harness.bar import Bar, Options, at_most
from harness.bazel import TREE, Bazel, Broken
from harness.processes import Process, tree

_TARGET = "//models:all"
_EACH = 0.2  # seconds


@dataclass
class _Peak:
    """Bytes at the peak, with Bazel's server and without it, and what the workers hold after the build."""

    total: int = 0
    without_server: int = 0
    idle: dict[str, int] | None = None


def _build(bazel: Bazel) -> _Peak:
    bazel.forget()
    bazel.run("info")
    server = bazel.server()
    process = subprocess.Popen(
        bazel.command("build", _TARGET), cwd=TREE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    peak = _Peak()
    while process.poll() is None:
        found = tree(server)
        total = sum(each.proportional for each in found.values())
        peak.total = max(peak.total, total)
        peak.without_server = max(peak.without_server, total - found[server].proportional if server in found else total)
        time.sleep(_EACH)
    if process.returncode != 0:
        raise Broken(f"the build of {_TARGET} exited with {process.returncode}")
    peak.idle = {_environment(each): each.resident for each in tree(server).values() if _is_worker(each)}
    bazel.forget()
    return peak


def _is_worker(process: Process) -> bool:
    return "lepton_rules/worker/main.py" in process.command and "/prefix/bin/python" in process.command


def _environment(process: Process) -> str:
    return next(part for part in Path(process.command).parts if "lepton_rules_" in part).rpartition("lepton_rules_")[2]


def measure(options: Options) -> list[Bar]:
    """Everything runs, the training included. Shared pages count once; of an idle worker the whole resident set."""
    base = options.folder / "base_memory"
    default = _build(Bazel(TREE, base))
    ours = _build(Bazel(TREE, base, rc=options.rc))
    idle = max(default.idle.get("torch", 0) if default.idle else 0, ours.idle.get("torch", 0) if ours.idle else 0)
    with_server = "Bazel's server included, without it {:.1f} GB"
    resident = at_most("idle worker, torch", idle / 1e9, 0.8, "GB", "resident set after the build")
    if not idle:
        resident = Bar(resident.name, resident.goal, 0, resident.unit, False, "no worker was left")
    return [
        resident,
        at_most("peak, our .bazelrc", ours.total / 1e9, 5, "GB", with_server.format(ours.without_server / 1e9)),
        at_most(
            "peak, Bazel's defaults", default.total / 1e9, 5, "GB", with_server.format(default.without_server / 1e9)
        ),
    ]
