"""What the system says of this process: a measurement tells what it had, not what was asked for it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_TASKS = Path("/proc/self/task")


def threads() -> int | None:
    """The threads of this process, those of libraries too; None where the system does not list them."""
    return len(_tasks()) or None


def cpus() -> list[int] | None:
    """The CPUs that any thread of this process may be on, in order; None where the system does not say."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    found = set(os.sched_getaffinity(0))
    for task in _tasks():
        # It may have ended since it was listed.
        with contextlib.suppress(ProcessLookupError):
            found |= os.sched_getaffinity(task)
    return sorted(found)


def _tasks() -> list[int]:
    return [int(task.name) for task in _TASKS.iterdir()] if _TASKS.is_dir() else []
