"""Tar archives whose bytes depend on their members alone: POSIX pax, time 0, owner 0, sorted, every parent listed."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from lepton_rules.plugin.errors import LeptonError


class Sink(Protocol):
    """Where an archive goes."""

    def write(self, data: bytes, /) -> object:
        """Appends bytes."""

    def copy(self, source: BinaryIO, size: int, /) -> None:
        """Appends `size` bytes of an open file; raises ValueError where it has another size."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """One member of an archive.

    Args:
        path: where it is, relative, without a slash at either end.
        source: the file that it is a copy of.
        content: its bytes, where it is not a copy.
        link: what it points to, where it is a symbolic link.
        mode: of permissions; a directory has 0o755 unless it is listed with another.
        directory: whether it is a directory.
        uid: its owner.
        gid: its group.
    """

    path: str
    source: Path | None = None
    content: bytes | None = None
    link: str = ""
    mode: int = 0o644
    directory: bool = False
    uid: int = 0
    gid: int = 0


def complete(members: Iterable[Member]) -> list[Member]:
    """Returns the members in their one order, with a directory for each parent that is not among them.

    Raises:
        LeptonError: two members have one path, or one is below another that is no directory.
    """
    found: dict[str, Member] = {}
    for member in members:
        if member.path in found and not (member.directory and found[member.path] == member):
            raise LeptonError(f"layer's file /{member.path}", "it is there twice", "Put it there once")
        found[member.path] = member
    for path in list(found):
        parts = path.split("/")
        for depth in range(1, len(parts)):
            parent = "/".join(parts[:depth])
            above = found.setdefault(parent, Member(path=parent, directory=True, mode=0o755))
            if not above.directory:
                raise LeptonError(
                    f"layer's file /{path}", f"/{parent} is no directory", "Put one of them somewhere else"
                )
    return [found[path] for path in sorted(found, key=str.encode)]


def write_tar(members: Iterable[Member], sink: Sink) -> None:
    """Writes an archive of `members`, as `complete` returns them.

    Raises:
        LeptonError: as `complete` does, or a source cannot be read.
    """
    written = 0
    for member in complete(members):
        written += _write_member(member, sink)
    end = 2 * tarfile.BLOCKSIZE
    sink.write(bytes(end + -(written + end) % tarfile.RECORDSIZE))


def _write_member(member: Member, sink: Sink) -> int:
    """Writes one member; returns the number of bytes."""
    info = tarfile.TarInfo(member.path)
    info.mode, info.uid, info.gid = member.mode, member.uid, member.gid
    content = member.content or b""
    if member.source is not None:
        return _write_file(member.source, info, sink)
    if member.directory:
        info.type = tarfile.DIRTYPE
    elif member.link:
        info.type, info.linkname = tarfile.SYMTYPE, member.link
    else:
        info.size = len(content)
    header = info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
    sink.write(header)
    sink.write(content)
    return len(header) + info.size + _pad(info.size, sink)


def _write_file(source: Path, info: tarfile.TarInfo, sink: Sink) -> int:
    try:
        with source.open("rb", buffering=0) as file:
            info.size = file.seek(0, 2)
            file.seek(0)
            header = info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
            sink.write(header)
            sink.copy(file, info.size)
    except ValueError as error:
        raise LeptonError(
            f"layer's file /{info.name}", f"it changed while it was read: {error}", "Build again"
        ) from error
    return len(header) + info.size + _pad(info.size, sink)


def _pad(size: int, sink: Sink) -> int:
    rest = -size % tarfile.BLOCKSIZE
    if rest:
        sink.write(bytes(rest))
    return rest
