"""Reads what shared libraries an ELF file needs and where it looks for them, and makes that place relative.

Only what copying a Python needs: 64-bit little-endian files, the dynamic section, DT_NEEDED, DT_RPATH and DT_RUNPATH
(System V Application Binary Interface, chapters "Object Files" and "Program Loading and Dynamic Linking").
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_NULL, _DT_NEEDED, _DT_STRTAB, _DT_RPATH, _DT_RUNPATH = 0, 1, 5, 15, 29
_PAGE = 4096


@dataclass(frozen=True)
class _Segment:
    """A program header's fields and its own place in the file, in bytes."""

    header: int
    kind: int
    offset: int
    address: int
    file_size: int
    memory_size: int


@dataclass(frozen=True)
class Dynamic:
    """What the dynamic section says: the libraries it needs by name, and the search path ("" for none)."""

    needed: tuple[str, ...]
    search_path: str
    segments: tuple[_Segment, ...]
    # The dynamic section's entries in the file: place, tag, value. The last is the first DT_NULL.
    entries: tuple[tuple[int, int, int], ...]

    @property
    def strings_address(self) -> int:
        """Where the string table is once loaded."""
        return next(value for _, tag, value in self.entries if tag == _DT_STRTAB)

    @property
    def search_path_entry(self) -> tuple[int, int, int] | None:
        """The entry of the search path; a loader that sees DT_RUNPATH ignores DT_RPATH."""
        found = [entry for entry in self.entries if entry[1] in (_DT_RPATH, _DT_RUNPATH)]
        return max(found, key=lambda entry: entry[1], default=None)


def read(data: bytes) -> Dynamic | None:
    """The dynamic section of a file's bytes; None where they are no 64-bit little-endian ELF file with one."""
    if data[:6] != b"\x7fELF\x02\x01":
        return None
    try:
        return _read(data)
    except (struct.error, OverflowError, ValueError):
        return None


def with_search_path(data: bytes, dynamic: Dynamic, search_path: str) -> bytes | None:
    """`data` with another search path; None where there is no room for one.

    It takes the old one's place where it fits there. Else it is written into unused bytes that are loaded with a
    segment, and a spare entry at the dynamic section's end, of which linkers leave some, points to it.
    """
    written = search_path.encode()
    entry = dynamic.search_path_entry
    out = bytearray(data)
    if entry is not None and len(written) <= len(dynamic.search_path.encode()):
        start = _file_offset(dynamic.segments, dynamic.strings_address + entry[2])
        out[start : start + len(dynamic.search_path.encode())] = written.ljust(len(dynamic.search_path.encode()), b"\0")
        return bytes(out)
    placed = _place(out, dynamic, written + b"\0")
    if placed is None:
        return None
    if entry is None:
        position = dynamic.entries[-1][0]
        section = next(segment for segment in dynamic.segments if segment.kind == _PT_DYNAMIC)
        spare = position + 32 <= section.offset + section.file_size and out[position : position + 32] == bytes(32)
        if not spare:
            return None
    else:
        position = entry[0]
    struct.pack_into("<QQ", out, position, _DT_RUNPATH, placed)
    return bytes(out)


def is_elf(file: Path) -> bool:
    """Whether the file begins as an ELF file does."""
    with file.open("rb") as stream:
        return stream.read(4) == b"\x7fELF"


def _read(data: bytes) -> Dynamic | None:
    (table,) = struct.unpack_from("<Q", data, 32)
    entry_size, count = struct.unpack_from("<HH", data, 54)
    segments = []
    for index in range(count):
        header = table + index * entry_size
        kind, _, offset, address, _, file_size, memory_size = struct.unpack_from("<IIQQQQQ", data, header)
        segments.append(_Segment(header, kind, offset, address, file_size, memory_size))
    section = next((segment for segment in segments if segment.kind == _PT_DYNAMIC), None)
    if section is None:
        return None
    entries = []
    for position in range(section.offset, section.offset + section.file_size, 16):
        tag, value = struct.unpack_from("<QQ", data, position)
        entries.append((position, tag, value))
        if tag == _DT_NULL:
            break
    if not any(tag == _DT_STRTAB for _, tag, _ in entries):
        return None
    found = Dynamic(needed=(), search_path="", segments=tuple(segments), entries=tuple(entries))
    entry = found.search_path_entry
    return replace(
        found,
        needed=tuple(_string(data, found, value) for _, tag, value in entries if tag == _DT_NEEDED),
        search_path=_string(data, found, entry[2]) if entry else "",
    )


def _place(out: bytearray, dynamic: Dynamic, text: bytes) -> int | None:
    """Writes `text` into unused bytes behind a segment and makes the segment hold them; its offset from the string
    table's address.
    """
    starts = sorted(segment.offset for segment in dynamic.segments if segment.kind == _PT_LOAD)
    for segment in dynamic.segments:
        end = segment.offset + segment.file_size
        room = min(-end % _PAGE, min((start for start in starts if start >= end), default=end) - end)
        behind = segment.address + segment.file_size
        usable = (
            segment.kind == _PT_LOAD and segment.file_size == segment.memory_size and behind > dynamic.strings_address
        )
        if usable and room >= len(text) and not any(out[end : end + len(text)]):
            out[end : end + len(text)] = text
            struct.pack_into(
                "<QQ", out, segment.header + 32, segment.file_size + len(text), segment.memory_size + len(text)
            )
            return behind - dynamic.strings_address
    return None


def _file_offset(segments: Iterable[_Segment], address: int) -> int:
    for segment in segments:
        if segment.kind == _PT_LOAD and segment.address <= address < segment.address + segment.file_size:
            return address - segment.address + segment.offset
    raise ValueError(f"address {address:#x} is not loaded from the file")


def _string(data: bytes, dynamic: Dynamic, offset: int) -> str:
    start = _file_offset(dynamic.segments, dynamic.strings_address + offset)
    return data[start : data.index(b"\0", start)].decode("utf-8", errors="surrogateescape")
