"""Imports what `torch.export.save` wrote: a graph of torch's operators and its tensors, without running what it holds.

The archive is read here, strictly, and never by `torch.export.load`, which unpickles. What is in it and is no graph and
no plain tensor (compiled code, pickled weights, custom objects) is refused.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import IO, Any

import torch

from lepton_plugin_torch import exported_program, macs, torch_archive
from lepton_plugin_torch.config import ExportArchiveConfig
from lepton_plugin_torch.exported_program import Exported, Refused, load_program, signature_of, tensor_name
from lepton_plugin_torch.torch_archive import Record
from lepton_rules.plugin import ImportContext, LeptonError, ModelFacts, safetensors_file
from lepton_rules.plugin.content import START_BYTES, kind_of

_FIX = "Save the program with torch.export.save, of a module of tensors alone"
_JSON_LIMIT = 256 << 20  # bytes
_TEXT_LIMIT = 64
_MODEL = re.compile(r"models/([A-Za-z0-9_]+)\.json", re.ASCII)
_KNOWN = re.compile(
    r"archive_format|archive_version|byteorder|\.data/(version|serialization_id)|\.format_version|\.storage_alignment"
    r"|data/sample_inputs/\w+\.pt|data/(weights|constants)/(\w+_(weights|constants)_config\.json|(weight|tensor)_\d+)",
    re.ASCII,
)
# torch/_export/serde/schema.py, ScalarType.
_DTYPES: Mapping[int, torch.dtype] = {
    1: torch.uint8,
    2: torch.int8,
    3: torch.int16,
    4: torch.int32,
    5: torch.int64,
    6: torch.float16,
    7: torch.float32,
    8: torch.float64,
    12: torch.bool,
    13: torch.bfloat16,
}
_STRIDED = 7  # schema.py, Layout


def import_archive(context: ImportContext) -> ModelFacts:
    """Writes the program and its tensors.

    Raises:
        LeptonError: the file is no such archive, is damaged or forged, or holds what could run.
    """
    config: ExportArchiveConfig = context.config
    torch.set_num_threads(context.threads)
    files = [*context.sources, *context.weights]
    if len(files) != 1:
        raise LeptonError("data", f"there are {len(files)} files, accepted is one", "Give the .pt2 file in data")
    what = f"torch.export archive {files[0].name!r}"
    try:
        with safetensors_file.open_regular(files[0], what) as stream:
            program, tensors = _read(stream, files[0].stat().st_size)
    except (Refused, torch_archive.Refused) as error:
        raise LeptonError(what, str(error), _FIX) from None
    loaded, module = load_program(program, tensors, what)
    inputs, outputs = signature_of(loaded, config.outputs, what)
    Exported(program, inputs, outputs).write(context.output, tensors, what)
    return ModelFacts(
        inputs=inputs,
        outputs=outputs,
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        macs=macs.count(module, inputs),
        notes={"operators": sorted({str(node["target"]) for node in program["graph_module"]["graph"]["nodes"]})},
    )


def _read(stream: IO[bytes], size: int) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    start = stream.read(START_BYTES)
    if not start.startswith(b"PK\x03\x04"):
        raise Refused(f"it is no torch.export archive but {kind_of(start)}")
    records = torch_archive.read_records(stream, size)

    def text(name: str, limit: int = _JSON_LIMIT) -> bytes:
        record = records[name]
        if record.size > limit:
            raise Refused(f"its {name} has {record.size} bytes, at most {limit} are read")
        stream.seek(record.start)
        return stream.read(record.size)

    if "data.pkl" in records:
        raise Refused("it is a checkpoint of torch.save, not of torch.export.save")
    if "archive_format" not in records or text("archive_format", _TEXT_LIMIT) != b"pt2":
        raise Refused("it is a zip archive that torch.export.save did not write")
    if "byteorder" in records and text("byteorder", _TEXT_LIMIT) != b"little":
        raise Refused("its numbers are not little-endian")
    models = [match[1] for name in records if (match := _MODEL.fullmatch(name))]
    if len(models) != 1:
        raise Refused(f"it holds {len(models)} programs, accepted is one")
    for name in records:
        if not _KNOWN.fullmatch(name) and not _MODEL.fullmatch(name):
            raise Refused(f"it holds {name[:80]!r}, which is neither a graph nor a plain tensor")
    tensors: dict[str, torch.Tensor] = {}
    for folder, constant in (("weights", False), ("constants", True)):
        config = f"data/{folder}/{models[0]}_{folder}_config.json"
        if config not in records:
            raise Refused(f"it has no {config}")
        for name, entry in _entries(text(config), config).items():
            tensors[tensor_name(name, constant)] = _tensor(stream, records, f"data/{folder}/", name, entry)
    if not tensors:
        raise Refused("it has no tensors")
    return exported_program.cleaned(text(f"models/{models[0]}.json")), tensors


def _entries(text: bytes, what: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict) or not isinstance(value.get("config"), dict):
        raise Refused(f"its {what} is not as torch writes it")
    return dict(value["config"])


def _tensor(stream: IO[bytes], records: Mapping[str, Record], folder: str, name: str, entry: Any) -> torch.Tensor:
    """One tensor: dense, contiguous or with the strides that it says, of the bytes that it must have."""
    what = f"its tensor {name[:80]!r}"
    try:
        if entry["use_pickle"] is not False:
            raise Refused(f"{what} is pickled, and reading it could run code")
        meta, path = entry["tensor_meta"], entry["path_name"]
        sizes = [length["as_int"] for length in meta["sizes"]]
        strides = [length["as_int"] for length in meta["strides"]]
        offset, dtype, layout = meta["storage_offset"]["as_int"], _DTYPES.get(meta["dtype"]), meta["layout"]
    except (KeyError, TypeError):
        raise Refused(f"{what} is not described as torch does it") from None
    numbers = [*sizes, *strides, offset]
    if dtype is None or layout != _STRIDED or len(sizes) != len(strides) or len(sizes) > 64:
        raise Refused(f"{what} is not dense, or of a dtype that is not known")
    if not isinstance(path, str) or not all(type(n) is int and 0 <= n < 1 << 62 for n in numbers):
        raise Refused(f"{what} is not described as torch does it")
    record = records.get(folder + path)
    reach = (
        offset + 1 + sum((n - 1) * stride for n, stride in zip(sizes, strides, strict=True)) if math.prod(sizes) else 0
    )
    available = record.size // dtype.itemsize if record else 0
    if record is None or record.size % dtype.itemsize or reach > available or math.prod(sizes) > available:
        there = "no bytes" if record is None else f"{record.size} bytes"
        raise Refused(f"{what} is {dtype}{sizes} and has {there}")
    stream.seek(record.start)
    data = bytearray(stream.read(record.size))
    storage = torch.frombuffer(data, dtype=dtype) if data else torch.empty(0, dtype=dtype)
    return torch.as_strided(storage, sizes, strides, offset).contiguous()
