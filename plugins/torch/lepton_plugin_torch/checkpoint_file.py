"""Turns a checkpoint file into a safetensors file, whatever the checkpoint is, without running anything that it holds.

The kind is told by the content. What `torch.save` wrote (the zip format, and the format before torch 1.6) is read by
`torch.load(weights_only=True)`, after its archive and its pickle have been understood and checked here. Everything else
is refused: other pickles, TorchScript, tars, archives that two readers could read differently.
"""

from __future__ import annotations

import pickletools
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from lepton_plugin_torch import pickle_program, torch_archive
from lepton_plugin_torch.pickle_program import STORAGES, Global, Storage, Tensor
from lepton_plugin_torch.tensors import blobs
from lepton_rules.plugin import LeptonError, safetensors_file
from lepton_rules.plugin.content import START_BYTES, kind_of

_PICKLE_LIMIT = 256 << 20  # bytes
# A file may show one storage under several names (tied weights), and safetensors then holds it for each.
_GROWTH_LIMIT = 8
_FIX = "Save the tensors alone, torch.save(model.state_dict(), …), or as safetensors"
_MAGIC = 0x1950A86A20F9469CFC6C  # of the format before torch 1.6
_PROTOCOL = 1001
_SCANNED = 1 << 20  # bytes of a refused pickle that are searched for the names in it


def convert(source: Path, output: Path) -> None:
    """Writes the tensors of `source`, a safetensors file or a PyTorch checkpoint, to `output` as safetensors.

    Raises:
        LeptonError: it is neither, it is damaged or forged, or it holds more than tensors by name.
    """
    what = f"checkpoint {source.name!r}"
    with safetensors_file.open_regular(source, what) as stream:
        size = source.stat().st_size
        start = stream.read(512)
    if safetensors_file.is_safetensors(source):
        safetensors_file.canonicalise(source, output)
        return
    try:
        if start.startswith(b"PK\x03\x04"):
            plan = _plan_archive(source, size)
        elif start.startswith(b"\x80\x02\x8a\x0a" + _MAGIC.to_bytes(10, "little")):
            plan = _plan_legacy(source, size)
        else:
            raise LeptonError(what, _refusal(source, start), _FIX)
    except (torch_archive.Refused, pickle_program.Refused) as error:
        raise LeptonError(what, str(error), _FIX) from None
    safetensors_file.write(output, blobs(_load(source, plan, size, what), what))


def _refusal(source: Path, start: bytes) -> str:
    """Why a file that is of no accepted kind is refused."""
    if start[257:262] == b"ustar":
        return "it is a tar archive, the format before torch 0.1.10, which cannot be read without running it"
    with source.open("rb") as stream:
        names = _names_in_pickle(stream.read(_SCANNED))
    if names:
        return f"it is a pickle that refers to {', '.join(names[:3])}, and reading it would run that"
    return f"it is no checkpoint but {kind_of(start[:START_BYTES])}"


def _names_in_pickle(data: bytes) -> list[str]:
    """The names that a pickle of any protocol imports, as far as it can be read."""
    found: list[str] = []
    strings: list[str] = []
    try:
        for operation, argument, _ in pickletools.genops(data):
            if operation.name in ("GLOBAL", "INST"):
                found.append(str(argument).replace(" ", "."))
            elif operation.name == "STACK_GLOBAL":
                found.append(".".join(strings[-2:]))
            elif isinstance(argument, str):
                strings.append(argument)
    except (ValueError, IndexError, struct.error, EOFError):
        pass  # The names that were found until here are what there is to say.
    return found


def _plan_archive(source: Path, size: int) -> dict[str, Tensor]:
    """The tensors by name of a file in torch's zip format."""
    with source.open("rb") as stream:
        records = torch_archive.read_records(stream, size)
        if "data.pkl" not in records:
            raise torch_archive.Refused("it is a zip archive that torch.save did not write (it has no data.pkl)")
        program = records["data.pkl"]
        if program.size > _PICKLE_LIMIT:
            raise torch_archive.Refused(f"its pickle has {program.size} bytes, at most {_PICKLE_LIMIT} are read")
        stream.seek(program.start)
        pickle = stream.read(program.size)
        if "byteorder" in records:
            stream.seek(records["byteorder"].start)
            if stream.read(min(records["byteorder"].size, 16)) != b"little":
                raise torch_archive.Refused("its numbers are not little-endian")

    def resolve(identity: tuple[Any, ...]) -> Storage:
        storage = _storage(identity, 5)
        record = records.get(f"data/{storage.key}")
        if record is None or record.size != storage.nbytes:
            there = "none" if record is None else record.size
            raise pickle_program.Refused(
                f"its storage {storage.key!r} declares {storage.nbytes} bytes, and {there} are there"
            )
        return storage

    value, end = pickle_program.interpret(pickle, 0, resolve)
    if end != len(pickle):
        raise pickle_program.Refused("bytes follow its pickle")
    return _named_tensors(value)


def _plan_legacy(source: Path, size: int) -> dict[str, Tensor]:
    """The tensors by name of a file in the format before torch 1.6.

    It is five pickles (a magic number, the protocol, facts of the system, the object, the keys of its storages) and
    then, for each key, the number of elements and their bytes.
    """
    storages: dict[str, Storage] = {}

    def resolve(identity: tuple[Any, ...]) -> Storage:
        storage = _storage(identity, 6)
        if identity[5] is not None:
            raise pickle_program.Refused("it has a view of a storage")
        if storages.setdefault(storage.key, storage) != storage:
            raise pickle_program.Refused(f"it declares the storage {storage.key!r} twice")
        return storage

    with source.open("rb") as stream:
        pickles = stream.read(_PICKLE_LIMIT)
        position, parts = 0, []
        for _ in range(5):
            value, position = pickle_program.interpret(pickles, position, resolve)
            parts.append(value)
        magic, protocol, system, result, keys = parts
        if magic != _MAGIC or protocol != _PROTOCOL:
            raise pickle_program.Refused("it is not of the one format of before torch 1.6 that is known")
        if not isinstance(system, dict) or system.get("little_endian") is not True:
            raise pickle_program.Refused("its numbers are not little-endian")
        if (
            not isinstance(keys, list)
            or not all(isinstance(key, str) for key in keys)
            or sorted(keys) != sorted(storages)
        ):
            raise pickle_program.Refused("it does not list its storages")
        for key in keys:
            storage = storages[key]
            stream.seek(position)
            if int.from_bytes(stream.read(8), "little") != storage.elements:
                raise pickle_program.Refused(f"its storage {key!r} has a forged size")
            position += 8 + storage.nbytes
    if position != size:
        raise pickle_program.Refused(f"it has {size} bytes, its storages end at {position}")
    return _named_tensors(result)


def _storage(identity: tuple[Any, ...], length: int) -> Storage:
    """The storage that a persistent id names: "storage", its class, its key, its device, its number of elements, …"""
    if len(identity) != length or identity[0] != "storage":
        raise pickle_program.Refused("its pickle has a persistent id that is no storage")
    kind, key, elements = identity[1], identity[2], identity[4]
    name = kind.name.split(".")[-1] if isinstance(kind, Global) else ""
    if name not in STORAGES or type(elements) is not int or not 0 <= elements < 1 << 60:
        raise pickle_program.Refused("its pickle has a storage of unknown class or size")
    if not isinstance(key, str) or not key.isascii() or not key.isalnum():
        raise pickle_program.Refused("its pickle has a storage whose key is no name")
    return Storage(key, elements, STORAGES[name])


def _named_tensors(value: object) -> dict[str, Tensor]:
    if not isinstance(value, dict) or not value:
        kind = "an empty dict" if isinstance(value, dict) else f"an object of type {type(value).__name__}"
        raise pickle_program.Refused(f"it holds {kind}, accepted is a dict of tensors by name")
    for name, tensor in value.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            kind = type(tensor).__name__
            raise pickle_program.Refused(
                f"its entry {name!r} is an object of type {kind}, accepted is a dict of tensors by name"
            )
    return value


def _load(source: Path, plan: Mapping[str, Tensor], size: int, what: str) -> dict[str, torch.Tensor]:
    """Reads the file with torch, and makes sure that torch found what was planned."""
    total = sum(tensor.nbytes for tensor in plan.values())
    if total > _GROWTH_LIMIT * size:
        raise LeptonError(what, f"its {size} bytes spell out {total} bytes of tensors", "Save each tensor once")
    try:
        # An open file, because torch tells some kinds by the file's name.
        with source.open("rb") as stream:
            loaded = torch.load(stream, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever its parts raise
        first = (str(error).strip().splitlines() or [""])[0]
        raise LeptonError(what, f"torch cannot read it ({type(error).__name__}: {first[:200]})", _FIX) from error
    if {name: (tuple(t.shape), t.element_size()) for name, t in loaded.items()} != {
        name: (tensor.shape, tensor.width) for name, tensor in plan.items()
    }:
        raise LeptonError(what, "torch reads other tensors in it than its pickle names", _FIX)
    return dict(loaded)
