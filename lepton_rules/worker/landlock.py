"""Landlock: a process takes from itself the right to write anywhere but where it must. No privilege is needed.

https://docs.kernel.org/userspace-api/landlock.html. Numbers and structures are the kernel's, from linux/landlock.h, the
same on every architecture. Version 2 (Linux 5.19) is needed: before it, no file could be moved between directories.
"""

import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET = 444
_ADD_RULE = 445
_RESTRICT_SELF = 446
_ASK_VERSION = 1
_RULE_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38

_OLDEST = 2
_WRITE_FILE = 1 << 1
_TRUNCATE = 1 << 14
# Removing and making of every kind, and moving or linking from one directory to another.
_CHANGE_DIRECTORY = sum(1 << bit for bit in range(4, 14))
_TCP_BIND_AND_CONNECT = 0b11
# Abstract UNIX sockets of, and signals to, processes that are not this one's descendants.
_SCOPES = 0b11


def version() -> int:
    """The version of Landlock that this system has, 0 for none."""
    if sys.platform != "linux":
        return 0
    return max(0, _call(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_ASK_VERSION)))


def denies_tcp() -> bool:
    """Whether this system's Landlock can refuse TCP."""
    return version() >= 4


def restrict(writable: Iterable[Path], *, deny_tcp: bool) -> str | None:
    """Lets this process and its descendants write below `writable` only, and signal no process but each other.

    Args:
        writable: directories that exist, or files.
        deny_tcp: whether TCP is refused as well, for where there is no network namespace, and where `denies_tcp`.

    Returns:
        None when that was done, else why the system cannot do it, or not all of it.
    """
    abi = version()
    if abi < _OLDEST:
        return f"it has Landlock version {abi}, and {_OLDEST} is needed" if abi else "it has no Landlock"
    files = _WRITE_FILE | _CHANGE_DIRECTORY | (_TRUNCATE if abi >= 3 else 0)
    network = _TCP_BIND_AND_CONNECT if deny_tcp and denies_tcp() else 0
    # A kernel that knows fewer fields takes a longer structure, as long as the rest is zero.
    attributes = struct.pack("QQQ", files, network, _SCOPES if abi >= 6 else 0)
    ruleset = _call(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    if ruleset < 0:
        return f"Landlock: {os.strerror(ctypes.get_errno())}"
    try:
        for path in writable:
            _allow(ruleset, path, files if path.is_dir() else files & (_WRITE_FILE | _TRUNCATE))
        _check(ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_NO_NEW_PRIVS, *map(ctypes.c_ulong, (1, 0, 0, 0))))
        _check(_call(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0)))
    except OSError as error:
        return f"Landlock: {error.strerror}"
    finally:
        os.close(ruleset)
    return None


def _allow(ruleset: int, path: Path, access: int) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = struct.pack("=Qi", access, descriptor)
        arguments = (ctypes.c_int(ruleset), ctypes.c_int(_RULE_PATH_BENEATH), rule, ctypes.c_uint32(0))
        _check(_call(_ADD_RULE, *arguments))
    finally:
        os.close(descriptor)


def _call(number: int, *arguments: object) -> int:
    return int(ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(number), *arguments))


def _check(result: int) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
