"""Memory: the whole build of the main job at its peak, and a worker that has nothing to do."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from harness.bar import Bar, Options, at_most
from harness.bazel import TREE, Bazel, Broken
from harness.processes import Process, tree

_TARGET = "//models:all"
_EACH = 0.2  # seconds


@dataclass
class _Peak:
    """Bytes at the peak, with Bazel's server and without it, the most workers that there were at once, and what an idle
    one of each environment holds after the build."""

    total: int = 0
    without_server: int = 0
    workers: int = 0
    idle: dict[str, int] = field(default_factory=dict)


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
        peak.workers = max(peak.workers, sum(_is_worker(each) for each in found.values()))
        time.sleep(_EACH)
    if process.returncode != 0:
        raise Broken(f"the build of {_TARGET} exited with {process.returncode}")
    for each in filter(_is_worker, tree(server).values()):
        name = _environment(each)
        peak.idle[name] = max(peak.idle.get(name, 0), each.resident)
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
    idle = {name: max(default.idle.get(name, 0), ours.idle.get(name, 0)) for name in sorted(default.idle | ours.idle)}
    how = "resident set after the build: " + ", ".join(f"{name} {size / 1e9:.2f} GB" for name, size in idle.items())
    resident = at_most("idle worker, the largest", max(idle.values(), default=0) / 1e9, 0.8, "GB", how)
    if not idle:
        resident = Bar(resident.name, resident.goal, 0, resident.unit, False, "no worker was left")
    return [resident, _bar("peak, our .bazelrc", ours), _bar("peak, Bazel's defaults", default)]


def _bar(name: str, peak: _Peak) -> Bar:
    how = f"with Bazel's server, without it {peak.without_server / 1e9:.1f} GB; at most {peak.workers} Python processes"
    return at_most(name, peak.total / 1e9, 5, "GB", how)
