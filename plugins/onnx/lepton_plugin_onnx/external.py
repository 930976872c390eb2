"""Weights in files of their own ("external data"), brought into the model.

A model names such a file itself, so the name is hostile until proven otherwise: it is never opened. It is looked up
among the files that the target declares as weights, and only those are read. Format:
https://onnx.ai/onnx/repo-docs/ExternalData.html.
"""

from __future__ import annotations

import hashlib
import itertools
import re
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from lepton_plugin_onnx.tensors import byte_count, is_external
from lepton_rules.plugin import LeptonError

if TYPE_CHECKING:
    import onnx

_DATA = "weights.data"
_APART_FROM_BYTES = 1 << 10
_ALIGNMENT = 4096  # so that the file can be mapped
_KEYS = ("location", "offset", "length", "checksum")
_NUMBER = re.compile(r"[0-9]{1,19}")
_FIX = "Convert the model again with its weights beside it, in files that the target lists under weights"


def bring_in(tensors: Iterable[tuple[onnx.TensorProto, str]], weights: Sequence[Path]) -> list[Path]:
    """Reads every external tensor of `tensors` (each with words for messages) out of `weights` into its raw_data.

    Returns the files that were read. LeptonError for a location that is none of `weights`, for an offset, length or
    key that does not hold, and for ranges that overlap (so that what is read is never more than what is there).
    """
    ranges: dict[Path, list[tuple[int, int, str]]] = {}
    for tensor, what in tensors:
        if not is_external(tensor):
            continue
        entries = _entries(tensor, what)
        path = _find(entries["location"], weights, what)
        offset = _number(entries.get("offset", "0"), "offset", what)
        length = byte_count(tensor)
        declared = _number(entries["length"], "length", what) if "length" in entries else length
        if declared != length:
            raise LeptonError(what, f"its external length is {declared} and its shape needs {length} bytes", _FIX)
        size = _regular_size(path, what)
        if offset + length > size:
            why = f"it ends at byte {offset + length} of {path.name!r}, which has {size}"
            raise LeptonError(what, why, _FIX)
        taken = ranges.setdefault(path, [])
        if not taken and "checksum" in entries:
            _check_sum(path, entries["checksum"], what)
        if length:
            taken.append((offset, offset + length, what))
        with path.open("rb") as stream:
            stream.seek(offset)
            data = stream.read(length)
        if len(data) != length:
            raise LeptonError(what, f"{path.name!r} became shorter while it was read", "Build again")
        tensor.raw_data = data
        del tensor.external_data[:]
        tensor.ClearField("data_location")
    for path, taken in ranges.items():
        taken.sort()
        for (_, end, first), (start, _, second) in itertools.pairwise(taken):
            if start < end:
                raise LeptonError(second, f"its bytes in {path.name!r} are also those of {first}", _FIX)
    return sorted(ranges)


def write_apart(model: onnx.ModelProto, directory: Path, outputs: Sequence[str] = ()) -> Path:
    """Writes the model into `directory` for a session, with its weights in a file that onnxruntime maps; its path.

    The model is read and neither changed nor copied: a session then needs no memory for weights. `outputs` are values
    that become outputs beside the model's own.
    """
    import onnx

    skeleton = onnx.ModelProto(ir_version=model.ir_version)
    skeleton.opset_import.extend(model.opset_import)
    skeleton.functions.extend(model.functions)
    graph = skeleton.graph
    graph.name = "model"
    graph.node.extend(model.graph.node)
    graph.input.extend(model.graph.input)
    graph.output.extend(model.graph.output)
    graph.value_info.extend(model.graph.value_info)
    have = {value.name for value in graph.output}
    for name in outputs:
        if name not in have:
            graph.output.add(name=name)
    with (directory / _DATA).open("wb") as stream:
        for tensor in model.graph.initializer:
            if len(tensor.raw_data) < _APART_FROM_BYTES:
                graph.initializer.add().CopyFrom(tensor)
                continue
            stream.write(bytes(-stream.tell() % _ALIGNMENT))
            apart = graph.initializer.add(name=tensor.name, data_type=tensor.data_type, dims=tensor.dims)
            apart.data_location = onnx.TensorProto.EXTERNAL
            places = {"location": _DATA, "offset": str(stream.tell()), "length": str(len(tensor.raw_data))}
            for key, value in places.items():
                apart.external_data.add(key=key, value=value)
            stream.write(tensor.raw_data)
    path = directory / "model.onnx"
    path.write_bytes(skeleton.SerializeToString())
    return path


def _entries(tensor: onnx.TensorProto, what: str) -> dict[str, str]:
    entries: dict[str, str] = {}
    for entry in tensor.external_data:
        if entry.key not in _KEYS:
            raise LeptonError(what, f"its external data has the unknown key {entry.key!r}", _FIX)
        if isinstance(entry.value, bytes):
            raise LeptonError(what, f"its external {entry.key} is not UTF-8", _FIX)
        if entry.key in entries:
            raise LeptonError(what, f"its external data has the key {entry.key!r} twice", _FIX)
        entries[entry.key] = entry.value
    if "location" not in entries:
        raise LeptonError(what, "its external data names no file", _FIX)
    return entries


def _find(location: str, weights: Sequence[Path], what: str) -> Path:
    """The declared file that `location` names: the only one whose path ends with it."""
    if "_ORT_MEM_ADDR_" in location:
        raise LeptonError(what, f"its external data is an address in memory ({location!r})", _FIX)
    parts = PurePosixPath(location).parts
    plain = location == "/".join(parts) and ".." not in parts and not location.startswith("/")
    if not plain or not location.isprintable() or "\\" in location or ":" in location:
        raise LeptonError(what, f"its external data is at {location!r}, outside the model's own folder", _FIX)
    matches = [path for path in weights if path.parts[-len(parts) :] == parts]
    if len(matches) != 1:
        names = ", ".join(sorted(repr(path.name) for path in weights)) or "none"
        count = "none of the declared weights" if not matches else f"{len(matches)} of the declared weights"
        raise LeptonError(what, f"its external data is in {location!r}, which is {count} (declared: {names})", _FIX)
    return matches[0]


def _regular_size(path: Path, what: str) -> int:
    """The size of a file, if it is one: a FIFO would block, a device would never end."""
    try:
        status = path.stat()
    except OSError as error:
        raise LeptonError(what, f"{path.name!r} cannot be read ({error.strerror})", _FIX) from None
    if not stat.S_ISREG(status.st_mode):
        raise LeptonError(what, f"{path.name!r} is not a regular file", _FIX)
    return status.st_size


def _number(text: str, key: str, what: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise LeptonError(what, f"its external {key} is {text!r}, accepted is a whole number from 0 on", _FIX)
    return int(text)


def _check_sum(path: Path, expected: str, what: str) -> None:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha1").hexdigest()
    if digest != expected.lower():
        raise LeptonError(what, f"{path.name!r} has the SHA-1 {digest} and {expected!r} is declared", _FIX)
