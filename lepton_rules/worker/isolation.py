"""What an action's process is cut off from: the network, files that are not its own, the memory that others need.

Everything here is done by the process to itself, before any code of a plugin runs.
"""

import contextlib
import ctypes
import fcntl
import os
import resource
import socket
import struct
import sys
from pathlib import Path

from lepton_rules.worker import landlock

# The part of the machine's memory, or of the container's, that one action may take. The rest is for Bazel and the
# system, which would otherwise be slowed to a halt before the kernel kills anyone.
_MEMORY_SHARE = 0.8

_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 0x1


def limit_resources() -> None:
    """Bounds this process's memory, makes it the kernel's first choice when memory runs out, and turns core files
    off."""
    _set_limit(resource.RLIMIT_CORE, 0)
    if sys.platform == "linux":
        _set_limit(resource.RLIMIT_DATA, memory_limit())
        # Without /proc the kernel chooses as it does for any process.
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def memory_limit() -> int:
    """How many bytes of private memory an action may have: a share of the machine's, or of the control group's if
    that is less."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return int(min([total, *_control_group_limits()]) * _MEMORY_SHARE)


def isolate(writable: list[Path]) -> list[str]:
    """Cuts this process off from the network and lets it write below `writable` only, as far as the system can.

    Returns:
        What could not be done, each with the reason. The build is right without it, but a plugin that reaches out goes
        unnoticed.
    """
    network = _cut_network()
    # Devices, shared memory, and what a process may set about itself are not files of anyone.
    system = [path for path in (Path("/dev"), Path("/proc/self")) if path.exists()]
    files = landlock.restrict([*writable, *system], deny_tcp=network is not None)
    beyond = "the network beyond TCP" if files is None and landlock.denies_tcp() else "the network"
    found = ((beyond, network), ("other files", files))
    return [f"actions are not cut off from {what}: {why}" for what, why in found if why is not None]


def _cut_network() -> str | None:
    """Gives this process, which must have one thread, a network namespace of its own, with nothing in it but its own
    loopback.

    Returns:
        None when that was done, else why the system does not allow it.
    """
    if sys.platform != "linux":
        return f"{sys.platform} has no network namespaces"
    libc = ctypes.CDLL(None, use_errno=True)
    # The owner of the namespaces keeps all rights over files, so the superuser takes no user namespace if it can do
    # without.
    user, group = os.geteuid(), os.getegid()
    if libc.unshare(_CLONE_NEWNET) != 0:
        if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
            return f"unshare: {os.strerror(ctypes.get_errno())}"
        try:
            _map_identity(user, group)
        except OSError as error:
            return f"user namespace: {error.strerror}"
    _raise_loopback()
    return None


def _map_identity(user: int, group: int) -> None:
    """Keeps the user's and the group's number in a new user namespace. Without this no file could be made."""
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")


def _raise_loopback() -> None:
    """Brings the new namespace's loopback up, for libraries whose own processes talk over it. Bazel's sandbox does
    the same."""
    # A library that needs it and finds it down says so itself.
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))


def _set_limit(which: int, value: int) -> None:
    """Lowers a limit. It is never raised above what the process was given."""
    _, hard = resource.getrlimit(which)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (value, value))


def _control_group_limits() -> list[int]:
    """The memory limits, in bytes, of this process's control group (version 2) and of those above it."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    limits = []
    for line in lines:
        if line.startswith("0::/"):
            group = Path("/sys/fs/cgroup", line[len("0::/") :])
            for directory in [group, *group.parents]:
                try:
                    limits.append(int((directory / "memory.max").read_text(encoding="ascii")))
                except (OSError, ValueError):
                    continue  # "max", or a group that is not visible from here.
    return limits
