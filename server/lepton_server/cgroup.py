"""How much of the machine is ours: the cgroup's CPUs and memory, not the host's.

Reads cgroup v2 (`cpu.max`, `memory.max`) and v1 (`cpu.cfs_quota_us`, `memory.limit_in_bytes`), of the process's group
and of all above it, for a limit anywhere on the way holds. Inside a container the group's path is often one of the
host's, which is not mounted there: then the mount's root is the group. cpusets are what `sched_getaffinity` tells.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_UNLIMITED = 1 << 60  # v1 writes "no limit" as the largest multiple of a page


def cpus(root: Path = Path("/")) -> int:
    """Returns how many threads can run at once: whole CPUs of the quota, at most those of the cpuset, at least 1."""
    available = len(os.sched_getaffinity(0))
    for group in _groups(root, "cpu"):
        quota = _quota(group)
        if quota is not None:
            available = min(available, int(quota))
    return max(available, 1)


def memory(root: Path = Path("/")) -> int | None:
    """Returns the memory limit in bytes, or None where there is none."""
    limits = [
        int(text)
        for group in _groups(root, "memory")
        for name in ("memory.max", "memory.limit_in_bytes")
        if (text := _read(group / name)).isdecimal()
    ]
    limit = min(limits, default=_UNLIMITED)
    return limit if limit < _UNLIMITED else None


def _quota(group: Path) -> float | None:
    quota, _, period = _read(group / "cpu.max").partition(" ")
    if not quota:
        quota, period = _read(group / "cpu.cfs_quota_us"), _read(group / "cpu.cfs_period_us")
    if not (quota.isdecimal() and period.isdecimal() and int(period)):
        return None
    return int(quota) / int(period)


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """Yields the directories of the process's group and of those above it, where the controller is."""
    mount = root / "sys/fs/cgroup"
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        names = controllers.split(",")
        if not controllers:
            bases = [mount, mount / "unified"]
        elif controller in names:
            bases = [mount / controllers, mount / controller]
        else:
            continue
        for base in bases:
            group = base / path.strip("/")
            if not group.is_dir():
                group = base
            while group.is_dir():
                yield group
                if group == base:
                    break
                group = group.parent


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except OSError:
        return ""
