"""Search paths in ELF files: read, replaced in place, and added where there is none."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import pytest

from lepton_rules.private.environment.builder import elf

_EXECUTABLE = Path(sys.executable).resolve()
_RUNPATH, _RPATH = 29, 15


def _runs(file: Path) -> bool:
    file.chmod(0o755)
    done = subprocess.run([str(file), "--version"], capture_output=True, text=True, check=False)
    return done.returncode == 0 and done.stdout.startswith("Python 3.")


def _without_search_path(data: bytes) -> bytes:
    """A copy of an executable whose dynamic section has no search path: the entries behind it move up."""
    dynamic = elf.read(data)
    assert dynamic is not None
    kept = [(tag, value) for _, tag, value in dynamic.entries if tag not in (_RUNPATH, _RPATH)]
    out = bytearray(data)
    for place, (position, _, _) in enumerate(dynamic.entries):
        struct.pack_into("<QQ", out, position, *(kept[place] if place < len(kept) else (0, 0)))
    return bytes(out)


def test_reads_what_a_real_file_needs() -> None:
    dynamic = elf.read(_EXECUTABLE.read_bytes())
    assert dynamic is not None
    assert any(name.startswith(("libc.so", "ld-")) for name in dynamic.needed)


def test_what_is_no_elf_file_is_none(tmp_path: Path) -> None:
    for data in (
        b"",
        b"#!/bin/sh\n",
        b"\x7fELF\x01\x01" + bytes(100),
        b"\x7fELF\x02\x01",
        b"\x7fELF\x02\x01" + b"\xff" * 200,
    ):
        assert elf.read(data) is None


def test_a_search_path_is_added_to_an_executable_without_one_and_it_still_runs(tmp_path: Path) -> None:
    data = _without_search_path(_EXECUTABLE.read_bytes())
    dynamic = elf.read(data)
    assert dynamic is not None and dynamic.search_path == ""
    added = elf.with_search_path(data, dynamic, "$ORIGIN/../lib")
    if added is None:
        pytest.skip("this Python's linker left no room behind a segment")
    assert len(added) == len(data)
    again = elf.read(added)
    assert again is not None
    assert again.search_path == "$ORIGIN/../lib"
    assert again.needed == dynamic.needed
    (tmp_path / "bin").mkdir()
    (tmp_path / "lib").mkdir()
    for name in dynamic.needed:
        if name.startswith("libpython"):
            (tmp_path / "lib" / name).write_bytes((_EXECUTABLE.parents[1] / "lib" / name).read_bytes())
    (tmp_path / "bin/python3").write_bytes(added)
    assert _runs(tmp_path / "bin/python3")


def test_a_shorter_search_path_takes_the_place_of_a_longer_one(tmp_path: Path) -> None:
    data = _without_search_path(_EXECUTABLE.read_bytes())
    dynamic = elf.read(data)
    assert dynamic is not None
    long = elf.with_search_path(data, dynamic, "/a/long/path/of/the/machine/lib")
    if long is None:
        pytest.skip("this Python's linker left no room behind a segment")
    dynamic = elf.read(long)
    assert dynamic is not None
    short = elf.with_search_path(long, dynamic, "$ORIGIN/../lib")
    assert short is not None
    again = elf.read(short)
    assert again is not None and again.search_path == "$ORIGIN/../lib"
    assert b"/of/the/machine" not in short


def test_no_room_is_said() -> None:
    data = _without_search_path(_EXECUTABLE.read_bytes())
    dynamic = elf.read(data)
    assert dynamic is not None
    assert elf.with_search_path(data, dynamic, "/x" * 4096) is None
