"""Arrays from what a client sends, and back: JSON numbers, and the protocol's raw bytes.

Raw bytes are little-endian and row-major; BYTES elements are each preceded by their length, 4 bytes.
"""

from __future__ import annotations

import itertools
import math
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from lepton_server.errors import RequestError
from lepton_server.signature import Tensor

Array = np.ndarray[Any, Any]

# numpy's kinds of types, and what JSON's values must be in Python.
_JSON_KINDS: dict[str, set[type]] = {"b": {bool}, "i": {int}, "u": {int}, "f": {int, float}, "O": {str}}


def from_json(tensor: Tensor, shape: Sequence[int], data: object) -> Array:
    """Returns the array that JSON holds, flat or nested as the shape is.

    Raises:
        RequestError: the values are not of the tensor's type, are not finite, or do not fill the shape.
    """
    flat = _flat(tensor, shape, data)
    if len(flat) != math.prod(shape):
        raise _bad(tensor, f"its data has {len(flat)} values and its shape {list(shape)} has {math.prod(shape)}")
    wanted = np.dtype("O" if tensor.dtype == "str" else tensor.dtype)
    kinds = _JSON_KINDS[wanted.kind]
    wide = np.dtype(np.float64) if wanted.kind == "f" else wanted
    if others := set(map(type, flat)) - kinds:
        raise _bad(tensor, f"its data has a JSON {_json_kind(others.pop())}, and its datatype is {tensor.datatype}")
    if wanted.kind == "O" and not all(map(_is_unicode, flat)):
        raise _bad(tensor, "a text in its data has half of a surrogate pair, which is no character")
    with np.errstate(over="ignore"):
        try:
            values = np.array(flat, wide).astype(wanted, copy=False)
        except OverflowError:
            raise _bad(tensor, f"its data has a value beyond {tensor.datatype}") from None
    if wanted.kind == "f" and not np.isfinite(values).all():
        raise _bad(tensor, f"its data has a value beyond {tensor.datatype}")
    return values.reshape(shape)


def _flat(tensor: Tensor, shape: Sequence[int], data: object) -> list[Any]:
    if not isinstance(data, list):
        raise _bad(tensor, f"its data is a JSON {_json_kind(type(data))}, accepted is an array")
    if not data or not isinstance(data[0], list):
        return data
    flat: list[Any] = [data]
    for length in shape:
        if not all(isinstance(row, list) and len(row) == length for row in flat):
            raise _bad(tensor, f"its data is not nested as its shape {list(shape)} is")
        flat = list(itertools.chain.from_iterable(flat))
    return flat


def from_bytes(tensor: Tensor, shape: Sequence[int], data: memoryview) -> Array:
    """Returns the array that raw bytes hold, without a copy where the type allows it.

    Raises:
        RequestError: there are more or fewer bytes than the shape needs, or a text is not UTF-8.
    """
    count = math.prod(shape)
    if tensor.dtype == "str":
        return _texts(tensor, shape, count, data)
    dtype = np.dtype(tensor.dtype).newbyteorder("<")
    if len(data) != count * dtype.itemsize:
        needed = f"its shape {list(shape)} of {tensor.datatype} needs {count * dtype.itemsize}"
        raise _bad(tensor, f"it has {len(data)} bytes and {needed}")
    values: Array = np.frombuffer(data, dtype)
    if dtype.kind == "b" and (np.frombuffer(data, np.uint8) > 1).any():
        raise _bad(tensor, "it has a byte that is neither 0 nor 1, and its datatype is BOOL")
    return values.reshape(shape)


def _texts(tensor: Tensor, shape: Sequence[int], count: int, data: memoryview) -> Array:
    if len(data) < 4 * count:
        raise _bad(tensor, f"it has {len(data)} bytes, too few for {count} texts with their lengths")
    values = np.empty(count, object)
    place = 0
    for number in range(count):
        if place + 4 > len(data):
            raise _bad(tensor, f"its bytes end at text {number} of {count}")
        (length,) = struct.unpack_from("<I", data, place)
        place += 4
        if place + length > len(data):
            raise _bad(tensor, f"its bytes end within text {number} of {count}")
        try:
            values[number] = str(data[place : place + length], "utf-8")
        except UnicodeDecodeError:
            raise _bad(tensor, f"its text {number} is not UTF-8") from None
        place += length
    if place != len(data):
        raise _bad(tensor, f"it has {len(data) - place} bytes after its {count} texts")
    return values.reshape(shape)


def to_json(tensor: Tensor, values: Array) -> list[Any]:
    """Returns the values as a flat list. RequestError where JSON has no word for one."""
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise RequestError(
            422, f"output {tensor.name!r} has values that JSON cannot hold, NaN or infinite; ask for it as binary_data"
        )
    flat: list[Any] = values.reshape(-1).tolist()
    return flat


def to_bytes(tensor: Tensor, values: Array) -> bytes:
    """Returns the values as raw bytes."""
    if tensor.dtype == "str":
        parts = [text.encode() for text in values.reshape(-1).tolist()]
        return b"".join(struct.pack("<I", len(part)) + part for part in parts)
    return values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()


def _is_unicode(text: str) -> bool:
    """Whether it can be written as UTF-8, which JSON's escapes do not ensure."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _bad(tensor: Tensor, why: str) -> RequestError:
    return RequestError(400, f"input {tensor.name!r}: {why}")


def _json_kind(kind: type) -> str:
    names = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null", float: "fraction"}
    return names.get(kind, "number")
