"""Reads safetensors headers strictly, and writes safetensors files with one spelling. Standard library only.

A file is 8 bytes of header length (little-endian), a JSON header, and the tensors' bytes without gap or overlap.
Format: https://huggingface.co/docs/safetensors and the reference implementation's `validate`, which this is at least as
strict as: it also refuses duplicate names, unknown keys and shapes that no library could hold.
"""

from __future__ import annotations

import contextlib
import json
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple, NoReturn

from lepton_rules.plugin.content import START_BYTES, kind_of
from lepton_rules.plugin.errors import LeptonError

# Bits of an element. The order is the reference implementation's, which lays tensors out by it.
DTYPES: Mapping[str, int] = {
    "BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32,
    "C64": 64, "F64": 64, "I64": 64, "U64": 64,
}  # fmt: skip

_HEADER_LIMIT = 100_000_000  # bytes; the reference implementation's
_RANK_LIMIT = 64  # torch's and numpy's
_CHUNK = 1 << 22
_METADATA = "__metadata__"
_KEYS = frozenset(("dtype", "shape", "data_offsets"))
_FIX = "Write it again with safetensors.torch.save_file, or train it with lepton_checkpoint"


class Entry(NamedTuple):
    """One tensor of a file: its safetensors dtype, its shape, and where its bytes are in the file."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Blob:
    """One tensor to write: its safetensors dtype, its shape, and its bytes (C order, little-endian), piece by piece."""

    dtype: str
    shape: tuple[int, ...]
    nbytes: int
    pieces: Iterable[bytes | memoryview]


def read_entries(path: Path) -> dict[str, Entry]:
    """Every tensor of a safetensors file by name, in the order of their bytes. Metadata is checked and dropped.

    Raises:
        LeptonError: the file is no safetensors file, or one that lies about itself.
    """
    what = f"safetensors file {path.name!r}"
    with open_regular(path, what) as stream:
        size = path.stat().st_size
        start = stream.read(START_BYTES)
        header = _read_header(stream, start, size, what)
    return _entries(header, size, what)


def is_safetensors(path: Path) -> bool:
    """Whether a file has the outer form of a safetensors file: a header that lies within it and opens with a brace."""
    with open_regular(path, f"file {path.name!r}") as stream:
        start = stream.read(9)
    return len(start) == 9 and start[8:] == b"{" and int.from_bytes(start[:8], "little") <= path.stat().st_size - 8


def write(path: Path, tensors: Mapping[str, Blob]) -> None:
    """Writes tensors: equal tensors give equal bytes.

    They lie as the reference implementation lays them: by dtype, the wider first, so that each is aligned, and then by
    name. There is no metadata: its order is random in that implementation.

    Raises:
        LeptonError: a name or a dtype that the format does not have, or pieces that are not `nbytes` long.
    """
    header: dict[str, Any] = {}
    position = 0
    rank = {dtype: index for index, dtype in enumerate(reversed(list(DTYPES)))}
    order = sorted(tensors.items(), key=lambda item: (rank.get(item[1].dtype, -1), item[0]))
    for name, blob in order:
        what = f"tensor {name!r}"
        if name == _METADATA or not _is_text(name):
            raise LeptonError(what, "safetensors cannot hold this name", "Give it another name")
        if blob.dtype not in DTYPES:
            raise LeptonError(what, f"safetensors has no dtype {blob.dtype}", "Convert the tensor")
        header[name] = {
            "dtype": blob.dtype,
            "shape": list(blob.shape),
            "data_offsets": [position, position + blob.nbytes],
        }
        position += blob.nbytes
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as stream:
        stream.write(len(text).to_bytes(8, "little") + text)
        for name, blob in order:
            written = sum(stream.write(piece) for piece in blob.pieces)
            if written != blob.nbytes:
                raise LeptonError(
                    f"tensor {name!r}", f"it has {written} bytes, {blob.nbytes} were declared", "Give all of them"
                )


def canonicalise(source: Path, output: Path) -> dict[str, Entry]:
    """Writes `source` anew with `write`, if it is valid, and returns its entries. Memory stays bounded.

    Raises:
        LeptonError: as `read_entries`.
    """
    return merge([source], output)


def merge(sources: Sequence[Path], output: Path) -> dict[str, Entry]:
    """Writes the tensors of several files as one, with `write`, and returns their entries. Memory stays bounded.

    Raises:
        LeptonError: as `read_entries`; or a tensor is in two files.
    """
    entries: dict[str, Entry] = {}
    blobs: dict[str, Blob] = {}
    with contextlib.ExitStack() as stack:
        for source in sources:
            found = read_entries(source)
            stream = stack.enter_context(source.open("rb"))
            for name, entry in found.items():
                if name in entries:
                    raise LeptonError(f"tensor {name!r}", "it is in two files", "Give the parts of one model")
                entries[name] = entry
                blobs[name] = Blob(entry.dtype, entry.shape, entry.end - entry.start, _pieces(stream, entry))
        write(output, blobs)
    return entries


def open_regular(path: Path, what: str) -> IO[bytes]:
    """Opens a file for reading, if it is one: opening a FIFO would wait for ever.

    Raises:
        LeptonError: about `what`: it is not a regular file, or cannot be read.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise LeptonError(what, "it is not a regular file", "Give a file")
        return path.open("rb")
    except OSError as error:
        raise LeptonError(
            what, f"it cannot be opened ({error.strerror})", "Give a file that exists and is readable"
        ) from None


def _pieces(stream: IO[bytes], entry: Entry) -> Iterator[bytes]:
    stream.seek(entry.start)
    left = entry.end - entry.start
    while left and (piece := stream.read(min(left, _CHUNK))):
        left -= len(piece)
        yield piece


def _read_header(stream: IO[bytes], start: bytes, size: int, what: str) -> bytes:
    """The header's bytes. `start` is what has been read of the stream."""
    length = int.from_bytes(start[:8], "little")
    if start[8:9] != b"{":
        # Only now, because the length of a good file can spell any other kind's magic number.
        kind = kind_of(start)
        if size >= 8 and length == 0:
            raise LeptonError(what, "its header has length 0", _FIX)
        raise LeptonError(what, f"it is no safetensors file but {kind}", _fix_for(start))
    if length > size - 8:
        raise LeptonError(
            what,
            f"its header declares {length} bytes, and {size - 8} follow (truncated, or another kind of file)",
            _FIX,
        )
    if length > _HEADER_LIMIT:
        raise LeptonError(what, f"its header declares {length} bytes, at most {_HEADER_LIMIT} are read", _FIX)
    if length == 0:
        raise LeptonError(what, "its header has length 0", _FIX)
    stream.seek(8)
    header = stream.read(length)
    if len(header) != length:
        raise LeptonError(what, "it is truncated in its header", _FIX)
    return header


def _fix_for(start: bytes) -> str:
    if start.startswith((b"PK\x03\x04", b"\x80")):
        return (
            "Convert a PyTorch checkpoint with lepton_checkpoint(src = …), or write it with safetensors.torch.save_file"
        )
    return _FIX


def _parse(header: bytes, what: str) -> dict[str, Any]:
    try:
        text = header.decode("utf-8")
    except UnicodeDecodeError as error:
        raise LeptonError(what, f"its header is not UTF-8 ({error.reason} at byte {error.start})", _FIX) from None
    try:
        table = json.loads(
            text, object_pairs_hook=_object, parse_constant=_no_number, parse_float=_no_number, parse_int=_integer
        )
    except RecursionError:
        raise LeptonError(what, "its header is nested too deep", _FIX) from None
    except ValueError as error:
        raise LeptonError(what, f"its header is not what the format asks for ({error})", _FIX) from None
    if not isinstance(table, dict):
        raise LeptonError(what, "its header is not a JSON object", _FIX)
    return table


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"the name {_short(twice)} is there twice")
    return table


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{_short(text)} is no integer")


def _integer(text: str) -> int:
    if len(text) > 20:  # beyond 64 bits
        raise ValueError(f"an integer of {len(text)} digits")
    return int(text)


def _entries(header: bytes, size: int, what: str) -> dict[str, Entry]:
    table = _parse(header, what)
    metadata = table.pop(_METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise LeptonError(what, f"its {_METADATA} is not a map of strings to strings", _FIX)
    data = 8 + len(header)
    available = size - data
    entries = [_entry(name, value, data, available, what) for name, value in table.items()]
    entries.sort(key=lambda entry: (entry.start, entry.end))
    position, last = data, None
    for entry in entries:
        if entry.start != position:
            relation = "leaves a gap after" if entry.start > position else "overlaps"
            neighbour = "the header" if last is None else f"tensor {_short(last.name)}"
            raise LeptonError(what, f"tensor {_short(entry.name)} {relation} {neighbour}", _FIX)
        position, last = entry.end, entry
    if position != size:
        raise LeptonError(what, f"{size - position} bytes at its end belong to no tensor", _FIX)
    return {entry.name: entry for entry in entries}


def _entry(name: str, value: Any, data: int, available: int, what: str) -> Entry:
    if not _is_text(name):
        raise LeptonError(what, "the name of a tensor is not text", _FIX)
    if not isinstance(value, dict) or value.keys() != _KEYS:
        raise _bad(name, what, f"it does not have exactly the keys {', '.join(sorted(_KEYS))}")
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise _bad(name, what, f"its dtype {_short(dtype)} is unknown, accepted are {', '.join(DTYPES)}")
    if not isinstance(shape, list) or len(shape) > _RANK_LIMIT:
        raise _bad(name, what, f"its shape is not a list of at most {_RANK_LIMIT} sizes")
    bits = DTYPES[dtype]
    for length in shape:
        if type(length) is not int or not 0 <= length < 1 << 63:
            raise _bad(name, what, "its shape has a dimension that is no size")
        bits *= length  # Python's integers: no overflow
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(type(offset) is int for offset in offsets):
        raise _bad(name, what, "its data_offsets are not two integers")
    start, end = offsets
    if not 0 <= start <= end <= available:
        raise _bad(name, what, f"its data_offsets are {start} and {end}, and the file has {available} bytes of data")
    if bits != 8 * (end - start):
        takes = f"{bits / 8:g}" if bits < 1 << 70 else "far more"
        raise _bad(
            name, what, f"its shape {_short(shape)} of {dtype} takes {takes} bytes, its data_offsets span {end - start}"
        )
    return Entry(name, dtype, tuple(shape), data + start, data + end)


def _bad(name: str, what: str, why: str) -> LeptonError:
    return LeptonError(f"tensor {_short(name)} of {what}", why, _FIX)


def _is_text(name: object) -> bool:
    """Whether it has a UTF-8 form: JSON can spell half a surrogate pair."""
    try:
        return isinstance(name, str) and name.encode() is not None
    except UnicodeEncodeError:
        return False


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
