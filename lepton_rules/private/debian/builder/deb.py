"""Reads a Debian package without dpkg: an `ar` archive of two tarballs, `control` and `data` (deb(5))."""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lepton_rules.private.environment.builder.refusal import Refusal

_MAGIC = b"!<arch>\n"
_HEADER = 60
_DECOMPRESS: Mapping[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.decompress,
    ".xz": lzma.decompress,
    ".bz2": bz2.decompress,
}


@dataclass(frozen=True)
class Deb:
    """A package's two tarballs, without compression."""

    control: bytes
    data: bytes


def read(file: Path, name: str) -> Deb:
    """The package in `file`, which messages call `name`.

    Raises:
      Refusal: it is no Debian package, or one whose compression needs a program that is missing.
    """
    members = _members(file.read_bytes(), name)
    parts = {}
    for part in ("control", "data"):
        found = [(member, body) for member, body in members.items() if member.partition(".")[0] == part]
        if len(found) != 1:
            raise _no_package(name, f"it has {len(found)} members named {part}.tar")
        member, body = found[0]
        parts[part] = _decompressed(body, member.removeprefix(f"{part}.tar"), name)
    return Deb(parts["control"], parts["data"])


def _members(body: bytes, name: str) -> dict[str, bytes]:
    if not body.startswith(_MAGIC):
        raise _no_package(name, "it does not begin as an ar archive")
    found: dict[str, bytes] = {}
    position = len(_MAGIC)
    while position + _HEADER <= len(body):
        header = body[position : position + _HEADER]
        try:
            size = int(header[48:58])
        except ValueError as error:
            raise _no_package(name, "a header in it is broken") from error
        start = position + _HEADER
        if start + size > len(body):
            raise _no_package(name, "it is cut short")
        found[header[:16].decode("ascii", "replace").strip().rstrip("/")] = body[start : start + size]
        position = start + size + size % 2
    return found


def _decompressed(body: bytes, suffix: str, name: str) -> bytes:
    if suffix == ".zst":
        zstd = shutil.which("zstd")
        if not zstd:
            raise Refusal(f"package {name}", "it is compressed with zstd, and there is no zstd", "Install zstd")
        return subprocess.run([zstd, "-dc"], input=body, capture_output=True, check=True).stdout
    if suffix not in _DECOMPRESS:
        raise _no_package(name, f"its compression {suffix} is unknown")
    try:
        return _DECOMPRESS[suffix](body)
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise _no_package(name, f"it does not decompress ({error})") from error


def _no_package(name: str, why: str) -> Refusal:
    return Refusal(f"package {name}", f"it is no Debian package: {why}", "Lock it again, or set LEPTON_DEBIAN_MIRROR")
