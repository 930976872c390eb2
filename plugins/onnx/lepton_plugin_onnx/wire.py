"""Bounds an ONNX file before protobuf parses it.

A protobuf message of 2 bytes becomes some hundred bytes of memory, so a file of a few megabytes can ask for
gigabytes. This walk over the wire format (https://protobuf.dev/programming-guides/encoding) counts the messages and
fields of a model, skips every weight in one step, and finds truncation, depth and count before any of it is
allocated.
"""

from __future__ import annotations

import functools
from typing import Any

from lepton_rules.plugin import LeptonError

# A language model of 100,000 nodes has about a million fields.
MAX_FIELDS = 5_000_000
MAX_MESSAGES = 2_000_000
MAX_DEPTH = 90  # protobuf itself stops at 100

MAX_NAME_BYTES = 1 << 16

_NAME = object()
_TRUNCATED = "it is truncated, or it is no ONNX model"
_WHOLE = "Give the whole .onnx file"


def check_wire(data: memoryview, what: str) -> None:
    """LeptonError when `data` is not one whole ModelProto, or is one that no real model needs: see the limits above.

    Time is bounded by MAX_FIELDS (some seconds), memory by MAX_DEPTH.
    """
    import onnx

    fields = messages = position = 0
    end, nests = len(data), _nests(onnx.ModelProto.DESCRIPTOR)
    outer: list[tuple[int, Any]] = []  # (end, nests) of the messages around this one
    while True:
        while position < end:
            fields += 1
            if fields > MAX_FIELDS:
                raise _refuse(what, f"it has more than {MAX_FIELDS} fields")
            key, position = _varint(data, position, end, what)
            wire_type = key & 7
            if wire_type == 2:
                length, position = _varint(data, position, end, what)
                if length > end - position:
                    raise _refuse(what, _TRUNCATED, _WHOLE)
                nested = nests.get(key >> 3)
                if nested is None:
                    position += length
                    continue
                if nested is _NAME:
                    _check_name(data, position, length, what)
                    position += length
                    continue
                messages += 1
                if messages > MAX_MESSAGES:
                    raise _refuse(what, f"it has more than {MAX_MESSAGES} messages")
                if len(outer) == MAX_DEPTH:
                    raise _refuse(what, f"it nests more than {MAX_DEPTH} messages in one another")
                outer.append((end, nests))
                end, nests = position + length, _nests(nested)
            elif wire_type == 0:
                _, position = _varint(data, position, end, what)
            elif wire_type in (1, 5):
                position += 8 if wire_type == 1 else 4
                if position > end:
                    raise _refuse(what, _TRUNCATED, _WHOLE)
            else:
                raise _refuse(what, f"it is no ONNX model (it has a field of wire type {wire_type})", _WHOLE)
        if not outer:
            return
        end, nests = outer.pop()


@functools.cache
def _nests(descriptor: Any) -> dict[int, Any]:
    """Field number to the descriptor of the message that a field holds, or to _NAME for one that holds a name.

    Texts that are about the model and not of it (doc strings, values of metadata) are no names: they are dropped later.
    """
    nests = {field.number: field.message_type for field in descriptor.fields if field.message_type is not None}
    for field in descriptor.fields:
        if field.type == field.TYPE_STRING and field.name not in ("doc_string", "value"):
            nests[field.number] = _NAME
    return nests


def _check_name(data: memoryview, position: int, length: int, what: str) -> None:
    """protobuf's Python gives bytes, and no error, for a string that is not UTF-8: nothing after it expects that."""
    if length > MAX_NAME_BYTES:
        raise _refuse(what, f"it has a name of {length} bytes, at most {MAX_NAME_BYTES} are accepted")
    try:
        bytes(data[position : position + length]).decode()
    except UnicodeDecodeError as error:
        raise _refuse(what, f"it has a name that is not UTF-8 ({error.reason})") from None


def _varint(data: memoryview, position: int, end: int, what: str) -> tuple[int, int]:
    """The base-128 number at `position`, and where it ends."""
    value = shift = 0
    while position < end and shift < 70:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise _refuse(what, _TRUNCATED, _WHOLE)


def _refuse(what: str, why: str, fix: str = "Give a model that a converter wrote") -> LeptonError:
    return LeptonError(what, why, fix)
