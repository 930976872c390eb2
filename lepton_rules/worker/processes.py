"""Finding, ending and outliving processes: what Linux offers beyond the portable calls. Elsewhere these do what they
can."""

import contextlib
import ctypes
import os
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def thread_count() -> int | None:
    """How many threads this process has, or None where the system does not tell."""
    try:
        return sum(1 for _ in Path("/proc/self/task").iterdir())
    except OSError:
        return None


def adopt_orphans() -> None:
    """Makes this process the parent of every descendant whose own parent ends, so that none can hide."""
    if sys.platform == "linux":
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with(parent: int) -> None:
    """Has the kernel kill this process when its parent ends, even by SIGKILL."""
    if sys.platform == "linux":
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def children() -> list[int]:
    """The processes whose parent is this one, adopted ones too; empty where the system does not tell."""
    found = []
    for entry in _numbers("/proc"):
        fields = _stat(entry)
        if fields and int(fields[1]) == os.getpid() and fields[0] != "Z":
            found.append(entry)
    return found


def describe(process: int) -> str:
    """What a process calls itself, for a message."""
    try:
        words = Path(f"/proc/{process}/cmdline").read_text(encoding="utf-8", errors="replace").split("\0")
    except OSError:
        return str(process)
    return " ".join([Path(words[0]).name, *words[1:]]).strip()[:100] or str(process)


def kill_all(leader: int | None) -> None:
    """Kills the process group of `leader`, then every child and adopted descendant of this process, and reaps them.

    Descendants are adopted as their parents die, so the end is reached when there is no child left to wait for.
    """
    if leader is not None:
        _kill_group(leader)
    with contextlib.suppress(ChildProcessError):
        while True:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                for process in children():
                    _kill(process)
                os.waitpid(-1, 0)


def kill_group(leader: int) -> None:
    """Kills what is left of the process group of a child that has ended, where its orphans are not adopted."""
    if sys.platform != "linux":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)


def out_of_memory_kills() -> int:
    """How often this machine's kernel has killed a process for lack of memory, 0 where it does not tell."""
    try:
        for line in Path("/proc/vmstat").read_text(encoding="ascii").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    except (OSError, ValueError):
        pass
    return 0


def _kill_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        _kill(leader)


def _kill(process: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def _numbers(directory: str) -> list[int]:
    try:
        return [int(entry.name) for entry in Path(directory).iterdir() if entry.name.isdecimal()]
    except OSError:
        return []


def _stat(process: int) -> list[str] | None:
    """The fields of /proc/<pid>/stat after the name, which may hold anything: state, parent, …"""
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    zero = ctypes.c_ulong(0)
    if libc.prctl(ctypes.c_int(option), ctypes.c_ulong(value), zero, zero, zero) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
