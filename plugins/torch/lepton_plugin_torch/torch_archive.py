"""The zip archives that `torch.save` writes, read so strictly that two readers cannot disagree about them.

Python's zipfile and the miniz inside torch find their way from different places, so a forged archive can show each of
them another content. Here everything that either could believe must agree: the end record is the last thing in the
file, the entries follow one another from its first byte without overlap, and each entry's own header repeats what the
directory says. Nothing is compressed, as `torch.save` compresses nothing.

Format: PKWARE's APPNOTE.TXT, section 4.3.
"""

from __future__ import annotations

import stat
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
# What follows a member whose sizes were not known when its header was written: signature, checksum, and the sizes, of
# 32 or of 64 bits.
_DESCRIPTORS = (struct.Struct("<4sIII"), struct.Struct("<4sIQQ"))
_END = struct.Struct("<4sHHHHIIH")
_END_64_BYTES = 56 + 20  # the 64-bit end record and its locator, which may stand before the end record
_UTF8, _DESCRIPTOR = 0x800, 0x8
_MEMBER_LIMIT = 1_000_000
_UNKNOWN = 0xFFFFFFFF  # "see the 64-bit extra field"


class Refused(ValueError):
    """The archive is damaged or forged; the message says how."""


@dataclass(frozen=True, slots=True)
class Record:
    """Where the bytes of one member are in the file."""

    start: int
    size: int


def read_records(stream: IO[bytes], size: int) -> dict[str, Record]:
    """Every member of the archive by its name without the folder that all share.

    Args:
        stream: the file.
        size: of the file, in bytes.

    Raises:
        Refused: it is not exactly an archive as `torch.save` writes them.
    """
    stream.seek(max(0, size - _END.size))
    end = stream.read(_END.size)
    if len(end) < _END.size or not end.startswith(b"PK\x05\x06") or _END.unpack(end)[-1]:
        raise Refused("its zip archive does not end where the file ends (truncated, or something follows)")
    try:
        archive = zipfile.ZipFile(stream)
    except (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError, OSError) as error:
        raise Refused(f"its zip archive is damaged ({error})") from None
    members = sorted(archive.infolist(), key=lambda member: member.header_offset)
    if not members or len(members) > _MEMBER_LIMIT:
        raise Refused(f"its zip archive has {len(members)} members, accepted are 1 to {_MEMBER_LIMIT}")
    for parts in (member.filename.split("/") for member in members):
        if parts[1:2] in (["code"], ["constants.pkl"]):
            raise Refused("it is a TorchScript archive, which is a program")
    records: dict[str, Record] = {}
    ends = {0}
    for member in members:
        what = f"its zip archive's member {member.filename!r}"
        if member.header_offset not in ends:
            raise Refused(f"{what} does not begin where the member before it ends")
        if member.filename in records:
            raise Refused(f"its zip archive has two members named {member.filename!r}")
        record = _record(stream, member, what)
        records[member.filename] = record
        ends = _ends(stream, member, record, what)
    if archive.start_dir not in ends:
        raise Refused("its zip archive's directory does not begin where its members end")
    _check_end(end, len(members), archive.start_dir, size)
    return _below_root(records)


def _check_end(end: bytes, members: int, directory: int, size: int) -> None:
    """Makes sure that the end record says what was read, whether or not there is a 64-bit one as well."""
    _, disk, first_disk, here, total, length, offset, _ = _END.unpack(end)
    listed = ((here, members), (total, members), (offset, directory))
    if disk or first_disk or any(own not in (found, 0xFFFF, _UNKNOWN) for own, found in listed):
        raise Refused("its zip archive's end record disagrees with its directory")
    if length != _UNKNOWN and size - _END.size - directory - length not in (0, _END_64_BYTES):
        raise Refused("its zip archive has bytes behind its directory")


def _record(stream: IO[bytes], member: zipfile.ZipInfo, what: str) -> Record:
    """The place of a member, once its own header agrees with the directory's."""
    if member.filename != member.orig_filename:
        raise Refused(f"{what} has another name beyond a NUL")
    if member.compress_type != zipfile.ZIP_STORED or member.compress_size != member.file_size:
        raise Refused(f"{what} is compressed, which torch.save never does")
    if member.flag_bits & ~(_UTF8 | _DESCRIPTOR):
        raise Refused(f"{what} has the flags {member.flag_bits:#x} (encrypted, or forged)")
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG) or member.is_dir():
        raise Refused(f"{what} is not a plain file")
    stream.seek(member.header_offset)
    head = stream.read(_LOCAL.size)
    if len(head) < _LOCAL.size:
        raise Refused(f"{what} is truncated")
    magic, _, flags, method, _, _, crc, packed, unpacked, name_length, extra_length = _LOCAL.unpack(head)
    local_name = stream.read(name_length)
    if magic != b"PK\x03\x04" or flags != member.flag_bits or method or local_name != member.orig_filename.encode():
        raise Refused(f"{what} has another name, method or flags in its own header")
    deferred = (0, _UNKNOWN) if flags & _DESCRIPTOR else (_UNKNOWN,)
    for own, listed in ((packed, member.file_size), (unpacked, member.file_size), (crc, member.CRC)):
        if own != listed and own not in deferred:
            raise Refused(f"{what} has a forged size: {own} in its own header, {listed} in the directory")
    return Record(member.header_offset + _LOCAL.size + name_length + extra_length, member.file_size)


def _ends(stream: IO[bytes], member: zipfile.ZipInfo, record: Record, what: str) -> set[int]:
    """Where the member may end: behind its bytes, or behind a descriptor of either width that agrees with them."""
    end = record.start + record.size
    if not member.flag_bits & _DESCRIPTOR:
        return {end}
    stream.seek(end)
    data = stream.read(_DESCRIPTORS[1].size)
    wanted = (b"PK\x07\x08", member.CRC, member.file_size, member.file_size)
    ends = {end + form.size for form in _DESCRIPTORS if len(data) >= form.size and form.unpack_from(data) == wanted}
    if not ends:
        raise Refused(f"{what} is truncated, or its descriptor is forged")
    return ends


def _below_root(records: Mapping[str, Record]) -> dict[str, Record]:
    """The records without the one folder that all of them are in."""
    root = next(iter(records)).split("/")[0] + "/"
    found = {}
    for name, record in records.items():
        parts = name.split("/")
        if not name.startswith(root) or ".." in parts or "" in parts or "\\" in name or not name.isprintable():
            raise Refused(f"its zip archive has the member {name!r}, outside its one folder {root!r}")
        found[name.removeprefix(root)] = record
    return found
