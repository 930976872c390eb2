"""Reads `.npz` and `.npy` files that a stranger may have made: numbers and nothing else, never a pickle.

numpy's own reader believes declared sizes and unzips whatever it is given. This one believes nothing: every size is
checked against the bytes that are there before memory is asked for, and each member is read exactly once, to its end.

Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html (versions 1.0 to 3.0), in a zip archive.
"""

from __future__ import annotations

import ast
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from lepton_rules.plugin.content import START_BYTES, kind_of
from lepton_rules.plugin.errors import LeptonError

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_MAGIC = b"\x93NUMPY"
_MAX_HEADER_BYTES = 10_000  # as numpy's max_header_size: beyond it, `literal_eval` is not safe
_MAX_RANK = 64  # numpy's own limit
_MAX_MEMBERS = 10_000
_MAX_RATIO = 100  # of unpacked to packed bytes
_RATIO_FREE_BYTES = 1 << 20  # up to here a member, and all of them together, may be as dense as they like
_DTYPE = re.compile(r"[<>|=](b1|[iu][1248]|f[248]|c(8|16))")
_FIX = "Write it again with numpy.savez or numpy.savez_compressed from arrays of numbers"


class Signature(Protocol):
    """What `require_fit` needs to know of a model's input: TensorSpec has it."""

    @property
    def name(self) -> str: ...
    @property
    def dtype(self) -> str: ...
    @property
    def shape(self) -> tuple[int | str, ...]: ...


def read_npz(path: Path) -> dict[str, Array]:
    """The arrays of an `.npz` file by name, in name order, each in native byte order and C order.

    Booleans, integers, floats and complex numbers of any shape up to rank 64. LeptonError for everything else: object,
    string and structured dtypes, headers that lie, truncated or trailing bytes, duplicate or escaping names, zip bombs,
    other kinds of file.
    """
    what = f"file {path.name!r}"
    with _open_regular(path, what) as stream:
        start = stream.read(START_BYTES)
        stream.seek(0)
        if not start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            raise LeptonError(what, f"it is not an .npz file but {kind_of(start)}", _FIX)
        try:
            return _read_archive(stream, path.stat().st_size, what)
        except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, RuntimeError) as error:
            raise LeptonError(what, f"its archive is damaged ({error})", _FIX) from None


def read_npy(path: Path) -> Array:
    """The one array of an `.npy` file, under the rules of `read_npz`."""
    what = f"file {path.name!r}"
    with _open_regular(path, what) as stream:
        return _read_array(stream, path.stat().st_size, what)


def require_fit(arrays: Mapping[str, Array], inputs: Iterable[Signature], what: str) -> int:
    """The number of samples in `arrays`, once they are known to fit a model's inputs.

    Every input is there, with its dtype and its shape. The leading axis is the sample and is not compared. A symbolic
    dimension takes any size, but one size wherever its name stands. Other arrays (labels) need only have as many
    samples.
    LeptonError, about `what`, when something does not fit or there is no sample.
    """
    fix = "Make the dataset for this model: arrays named as its inputs, the leading axis the sample"
    symbols: dict[str, int] = {}
    for spec in inputs:
        if spec.name not in arrays:
            names = ", ".join(sorted(arrays)) or "none"
            raise LeptonError(what, f"no array is named as the model's input {spec.name!r} (there are: {names})", fix)
        array = arrays[spec.name]
        got = f"array {spec.name!r} is {array.dtype}{list(array.shape)}"
        if array.dtype.name != spec.dtype:
            raise LeptonError(what, f"{got}, the model's input is {spec.dtype}{list(spec.shape)}", fix)
        if array.ndim != len(spec.shape) or array.ndim == 0:
            raise LeptonError(what, f"{got}, the model's input has shape {list(spec.shape)}", fix)
        for have, want in zip(array.shape[1:], spec.shape[1:], strict=True):
            expected = symbols.setdefault(want, have) if isinstance(want, str) else want
            if have != expected:
                raise LeptonError(what, f"{got}, the model's input has shape {list(spec.shape)}", fix)
    counts = {name: array.shape[0] if array.ndim else None for name, array in sorted(arrays.items())}
    if len(set(counts.values())) != 1 or None in counts.values():
        raise LeptonError(what, f"its arrays have different numbers of samples ({counts})", fix)
    samples: int | None = next(iter(counts.values()))
    if not samples:
        raise LeptonError(what, "it has no samples", "Give a split with at least one sample")
    return samples


def _open_regular(path: Path, what: str) -> IO[bytes]:
    """Opens a file for reading, if it is one: opening a FIFO would wait for ever."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise LeptonError(what, "it is not a regular file", "Give an .npz file")
        return path.open("rb")
    except OSError as error:
        raise LeptonError(
            what, f"it cannot be opened ({error.strerror})", "Give a file that exists and is readable"
        ) from None


def _read_archive(stream: IO[bytes], size: int, what: str) -> dict[str, Array]:
    with zipfile.ZipFile(stream) as archive:
        members = archive.infolist()
        if not members:
            raise LeptonError(what, "it holds no array", _FIX)
        if len(members) > _MAX_MEMBERS:
            raise LeptonError(what, f"it declares {len(members)} members, at most {_MAX_MEMBERS} are read", _FIX)
        names: dict[str, zipfile.ZipInfo] = {}
        end = 0
        for member in sorted(members, key=lambda m: m.header_offset):
            name = _member_name(member, what)
            if name in names:
                raise LeptonError(what, f"two of its members are named {name!r}", _FIX)
            names[name] = member
            if member.header_offset < end:
                raise LeptonError(what, f"member {name!r} lies inside another one", _FIX)
            end = member.header_offset + 30 + len(member.filename.encode()) + member.compress_size
            if end > size:
                raise LeptonError(what, f"member {name!r} reaches beyond the end of the file (it is truncated)", _FIX)
            if member.file_size > max(member.compress_size * _MAX_RATIO, _RATIO_FREE_BYTES):
                why = f"member {name!r} unpacks {member.compress_size} bytes to {member.file_size}"
                raise LeptonError(what, f"{why}, a ratio above {_MAX_RATIO}", "Write it with numpy.savez")
        total = sum(member.file_size for member in members)
        if total > max(size * _MAX_RATIO, _RATIO_FREE_BYTES):
            why = f"its {size} bytes unpack to {total}, a ratio above {_MAX_RATIO}"
            raise LeptonError(what, why, "Write it with numpy.savez")
        arrays = {}
        for name in sorted(names):
            with archive.open(names[name]) as content:
                arrays[name] = _read_array(content, names[name].file_size, f"array {name!r} of {what}")
        return arrays


def _member_name(member: zipfile.ZipInfo, what: str) -> str:
    name = member.filename
    if member.flag_bits & 0x1:
        raise LeptonError(what, f"member {name!r} is encrypted", _FIX)
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise LeptonError(what, f"member {name!r} is neither stored nor deflated (method {member.compress_type})", _FIX)
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
        raise LeptonError(what, f"member {name!r} is not a regular file", _FIX)
    base = name.removesuffix(".npy")
    if base == name:
        raise LeptonError(what, f"member {name!r} is no array (its name does not end in .npy)", _FIX)
    if not base or base.startswith("/") or "\\" in base or ".." in base.split("/") or not base.isprintable():
        raise LeptonError(what, f"member {name!r} has a name that could escape or hide", _FIX)
    return base


def _read_array(stream: IO[bytes], size: int, what: str) -> Array:
    import numpy as np

    prefix = stream.read(8)
    if not prefix.startswith(_MAGIC):
        raise LeptonError(what, f"it is no array but {kind_of(prefix + stream.read(START_BYTES - 8))}", _FIX)
    if len(prefix) < 8:
        raise LeptonError(what, "it is truncated in its header", _FIX)
    version = (prefix[6], prefix[7])
    if version not in ((1, 0), (2, 0), (3, 0)):
        raise LeptonError(what, f"its format version {version[0]}.{version[1]} is unknown", _FIX)
    width = 2 if version == (1, 0) else 4
    length = int.from_bytes(_read_exactly(stream, width, what), "little")
    if length > _MAX_HEADER_BYTES:
        raise LeptonError(what, f"its header declares {length} bytes, at most {_MAX_HEADER_BYTES} are read", _FIX)
    descr, fortran, shape = _header(_read_exactly(stream, length, what), what)

    dtype = np.dtype(descr)
    count = 1
    for dimension in shape:
        count *= dimension  # Python's integers: no overflow
    body = size - 8 - width - length
    if count * dtype.itemsize != body:
        raise LeptonError(
            what, f"its header declares {count * dtype.itemsize} bytes of data and {body} are there", _FIX
        )
    data = np.empty(count, dtype)
    view = data.data.cast("B") if count else memoryview(bytearray())
    done = 0
    while done < len(view):
        chunk = stream.read(min(1 << 20, len(view) - done))
        if not chunk:
            raise LeptonError(what, f"it is truncated: {body} bytes of data are declared and {done} are there", _FIX)
        view[done : done + len(chunk)] = chunk
        done += len(chunk)
    if stream.read(1):  # also makes zipfile compare the checksum
        raise LeptonError(what, "bytes follow its data", _FIX)
    if dtype.kind == "b" and count and data.view(np.uint8).max() > 1:
        raise LeptonError(what, "its booleans are neither 0 nor 1", _FIX)
    try:
        array = data.reshape(shape, order="F" if fortran else "C")
    except ValueError as error:  # a dimension of 0 beside dimensions whose product numpy cannot index
        raise LeptonError(what, f"its shape {shape} is impossible ({error})", _FIX) from None
    return np.ascontiguousarray(array, dtype.newbyteorder("=")).reshape(shape)


def _header(text: bytes, what: str) -> tuple[str, bool, tuple[int, ...]]:
    """dtype description, Fortran order and shape of a header, each of the type and in the range that the format has."""
    try:
        header = ast.literal_eval(text.decode("utf-8").strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError, UnicodeDecodeError):
        raise LeptonError(what, "its header is not the literal that the format asks for", _FIX) from None
    if not isinstance(header, dict) or set(header) != {"descr", "fortran_order", "shape"}:
        raise LeptonError(what, "its header does not have exactly the keys descr, fortran_order and shape", _FIX)
    descr, fortran, shape = header["descr"], header["fortran_order"], header["shape"]
    if not isinstance(descr, str) or not _DTYPE.fullmatch(descr):
        object_dtype = isinstance(descr, str) and "O" in descr
        kind = "objects, which are pickles and could run code," if object_dtype else f"dtype {descr!r}"
        raise LeptonError(what, f"it holds {kind} where only booleans and numbers are read", _FIX)
    if not isinstance(fortran, bool):
        raise LeptonError(what, f"its fortran_order is {fortran!r}", _FIX)
    if not isinstance(shape, tuple) or len(shape) > _MAX_RANK:
        raise LeptonError(what, f"its shape is no tuple of at most {_MAX_RANK} dimensions", _FIX)
    if not all(type(dimension) is int and 0 <= dimension < 1 << 63 for dimension in shape):
        raise LeptonError(what, "its shape has a dimension that is no size", _FIX)
    return descr, fortran, shape


def _read_exactly(stream: IO[bytes], count: int, what: str) -> bytes:
    data = stream.read(count)
    if len(data) != count:
        raise LeptonError(what, "it is truncated in its header", _FIX)
    return data
