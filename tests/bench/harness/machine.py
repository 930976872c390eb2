"""What the figures were measured on, without a name or an address."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.bazel import TREE, run


def facts() -> dict[str, Any]:
    """The machine, how busy it is, and the commit, for the JSON."""
    commit = run(["git", "describe", "--always", "--dirty"], cwd=TREE, check=False)
    return {
        "cpu": _line("/proc/cpuinfo", "model name"),
        "cores": os.cpu_count(),
        "memory_gb": round(int(_line("/proc/meminfo", "MemTotal").split()[0]) * 1024 / 1e9, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load": os.getloadavg()[0],
        "commit": commit.output.strip() if commit.status == 0 else None,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
    }


def _line(path: str, key: str) -> str:
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return "0"
