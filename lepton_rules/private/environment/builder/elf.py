"""Reads what shared libraries an ELF file needs and where it looks for them, and makes that place relative.

Only what copying a Python needs: 64-bit little-endian files, the dynamic section, DT_NEEDED, DT_RPATH and DT_RUNPATH
(Tool Interface Standard, "Executable and Linking Format", and the System V gABI's chapter on dynamic linking).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_NULL, _DT_NEEDED, _DT_STRTAB, _DT_RPATH, _DT_RUNPATH = 0, 1, 5, 15, 29


@dataclass(frozen=True)
class Dynamic:
    """What the dynamic section says: libraries by name, and the search path with its offset in the file (-1: it has none)."""

    needed: tuple[str, ...]
    search_path: str
    search_path_offset: int


def read(data: bytes) -> Dynamic | None:
    """The dynamic section of the file's bytes; None where they are no 64-bit little-endian ELF file with one."""
    if data[:6] != b"\x7fELF\x02\x01":
        return None
    table, = struct.unpack_from("<Q", data, 32)
    entry_size, entries = struct.unpack_from("<HH", data, 54)
    loads: list[tuple[int, int, int]] = []
    dynamic = None
    for index in range(entries):
        kind, _, offset, address, _, size = struct.unpack_from("<IIQQQQ", data, table + index * entry_size)
        if kind == _PT_LOAD:
            loads.append((address, offset, size))
        elif kind == _PT_DYNAMIC:
            dynamic = (offset, size)
    if dynamic is None:
        return None
    tags = []
    for position in range(dynamic[0], dynamic[0] + dynamic[1], 16):
        tag, value = struct.unpack_from("<QQ", data, position)
        if tag == _DT_NULL:
            break
        tags.append((tag, value))
    strings = next((_file_offset(loads, value) for tag, value in tags if tag == _DT_STRTAB), -1)
    if strings < 0:
        return None
    needed = tuple(_string(data, strings + value) for tag, value in tags if tag == _DT_NEEDED)
    # A loader that sees DT_RUNPATH ignores DT_RPATH.
    paths = sorted(((tag, strings + value) for tag, value in tags if tag in (_DT_RPATH, _DT_RUNPATH)), reverse=True)
    if not paths:
        return Dynamic(needed, "", -1)
    return Dynamic(needed, _string(data, paths[0][1]), paths[0][1])


def with_search_path(data: bytes, dynamic: Dynamic, search_path: str) -> bytes | None:
    """`data` with another search path in the old one's place; None where it has none, or one too short to hold it."""
    room = len(dynamic.search_path.encode())
    written = search_path.encode()
    if dynamic.search_path_offset < 0 or len(written) > room:
        return None
    start = dynamic.search_path_offset
    return data[:start] + written.ljust(room, b"\0") + data[start + room :]


def is_elf(file: Path) -> bool:
    """Whether the file begins as an ELF file does."""
    with file.open("rb") as stream:
        return stream.read(4) == b"\x7fELF"


def _file_offset(loads: list[tuple[int, int, int]], address: int) -> int:
    return next((address - start + offset for start, offset, size in loads if start <= address < start + size), -1)


def _string(data: bytes, offset: int) -> str:
    return data[offset : data.index(b"\0", offset)].decode("utf-8", errors="surrogateescape")
