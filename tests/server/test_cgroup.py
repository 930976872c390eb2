"""CPUs and memory are those of the cgroup, in both versions, inside a container and outside."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import harness
import pytest
from lepton_server import cgroup

assert harness.ROOT.is_dir()  # the import puts the server on the path
HERE = len(os.sched_getaffinity(0))


def tree(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return root


CASES: dict[str, tuple[dict[str, str], int, int | None]] = {
    "nothing": ({}, HERE, None),
    "v2 in a container": (
        {
            "proc/self/cgroup": "0::/",
            "sys/fs/cgroup/cpu.max": "100000 100000",
            "sys/fs/cgroup/memory.max": "268435456",
        },
        1,
        256 << 20,
    ),
    "v2 without a limit": (
        {"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": "max 100000", "sys/fs/cgroup/memory.max": "max"},
        HERE,
        None,
    ),
    "v2, a limit above the group": (
        {
            "proc/self/cgroup": "0::/pod/one",
            "sys/fs/cgroup/pod/cpu.max": "150000 100000",
            "sys/fs/cgroup/pod/one/cpu.max": "max 100000",
            "sys/fs/cgroup/pod/memory.max": "1000",
            "sys/fs/cgroup/pod/one/memory.max": "2000",
        },
        1,
        1000,
    ),
    "less than one CPU": ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": "10000 100000"}, 1, None),
    "v1 in a container, whose path is the host's": (
        {
            "proc/self/cgroup": "4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "100000",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "268435456",
        },
        1,
        256 << 20,
    ),
    "v1 without a limit": (
        {
            "proc/self/cgroup": "4:memory:/\n3:cpu,cpuacct:/",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
        },
        HERE,
        None,
    ),
    "hybrid": (
        {
            "proc/self/cgroup": "3:cpu:/a\n0::/",
            "sys/fs/cgroup/cpu/a/cpu.cfs_quota_us": "50000",
            "sys/fs/cgroup/cpu/a/cpu.cfs_period_us": "50000",
        },
        1,
        None,
    ),
    "garbage": (
        {
            "proc/self/cgroup": "x\n0::/\n::",
            "sys/fs/cgroup/cpu.max": "a b",
            "sys/fs/cgroup/memory.max": "-5",
        },
        HERE,
        None,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_limits(tmp_path: Path, name: str) -> None:
    files, cpus, memory = CASES[name]
    root = tree(tmp_path, files)
    assert cgroup.cpus(root) == cpus
    assert cgroup.memory(root) == memory


def test_a_cpuset(tmp_path: Path) -> None:
    with harness.serving(
        harness.double(tmp_path), prefix=["taskset", "-c", str(min(os.sched_getaffinity(0)))]
    ) as server:
        assert server.wait_for("ready")["threads"] == 1


def test_threads_that_are_told(tmp_path: Path) -> None:
    with harness.serving(harness.double(tmp_path), "--threads=3") as server:
        assert server.wait_for("ready")["threads"] == 3
