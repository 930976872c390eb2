"""PyTorch checkpoint files that a stranger may have made: their tensors, or a refusal in one line, and no code run."""

from __future__ import annotations

import builtins
import importlib
import io
import marshal
import os
import pickle
import pkgutil
import struct
import tarfile
import time
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lepton_plugin_torch.checkpoint_file import convert
from safetensors.torch import load_file, save_file

from lepton_rules.plugin import LeptonError

TENSORS = {
    "layer.weight": torch.arange(12, dtype=torch.float32).reshape(3, 4),
    "layer.bias": torch.ones(3, dtype=torch.float16),
    "steps": torch.tensor(7),
    "mask": torch.tensor([True, False]),
}


class Runs:
    """What a pickle can do: call `function(*arguments)`."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._call = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self._call


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A path that the hostile files below try to write to."""
    return tmp_path / "canary"


def payloads(canary: Path) -> dict[str, Any]:
    code = f"open({str(canary)!r}, 'w').close()"
    return {
        "os.system": Runs(os.system, f"touch {canary}"),
        "exec": Runs(builtins.exec, code),
        "importlib": Runs(importlib.import_module, "antigravity"),
        "marshal": Runs(marshal.loads, marshal.dumps(compile(code, "x", "exec"))),
        "pkgutil": Runs(pkgutil.resolve_name, "os:system"),
        "getattr": Runs(builtins.getattr, Runs(importlib.import_module, "os"), "system"),
        "bytearray": Runs(builtins.bytearray, 1 << 40),
        "a module": torch.nn.Linear(2, 2),
    }


def zip_of(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, compression)
    return stream.getvalue()


def members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def saved(value: object, **options: Any) -> bytes:
    stream = io.BytesIO()
    torch.save(value, stream, **options)
    return stream.getvalue()


def refuse(path: Path, why: str = "") -> str:
    output = path.parent / "out.safetensors"
    start = time.process_time()
    with pytest.raises(LeptonError) as caught:
        convert(path, output)
    message = str(caught.value)
    assert why in message, message
    assert message.startswith("lepton: ") and "\n" not in message and len(message) < 700, message
    assert not output.exists()
    assert time.process_time() - start < 5
    return message


def accept(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    output = path.parent / "out.safetensors"
    convert(path, output)
    loaded = load_file(output)
    assert loaded.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert loaded[name].dtype == tensor.dtype and torch.equal(loaded[name], tensor), name


# --- Good files ---


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before 1.6"])
@pytest.mark.parametrize("name", ["weights.pt", "weights.safetensors", "weights"])
def test_good(zipped: bool, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(saved(TENSORS, _use_new_zipfile_serialization=zipped))
    accept(tmp_path / name, TENSORS)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before 1.6"])
def test_good_module(zipped: bool, tmp_path: Path) -> None:
    """An ordered dict with metadata, and parameters that want gradients."""
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    torch.save(module.state_dict(), tmp_path / "a.pt", _use_new_zipfile_serialization=zipped)
    accept(tmp_path / "a.pt", dict(module.state_dict()))
    torch.save(dict(module.named_parameters()), tmp_path / "a.pt", _use_new_zipfile_serialization=zipped)
    accept(tmp_path / "a.pt", {name: p.detach() for name, p in module.named_parameters()})


def test_good_views_and_ties(tmp_path: Path) -> None:
    base = torch.arange(24.0).reshape(4, 6)
    tensors = {
        "base": base,
        "tied": base,
        "transposed": base.T,
        "column": base[:, 2],
        "empty": base[:0],
        "part": base[1:3, 2:4],
    }
    torch.save(tensors, tmp_path / "a.pt")
    accept(tmp_path / "a.pt", tensors)


def test_good_dtypes(tmp_path: Path) -> None:
    dtypes = [
        torch.bfloat16,
        torch.float64,
        torch.uint8,
        torch.int8,
        torch.int16,
        torch.int32,
        torch.uint16,
        torch.uint32,
    ]
    tensors = {str(dtype): torch.tensor([1, 2, 3]).to(dtype) for dtype in dtypes}
    torch.save(tensors, tmp_path / "a.pt")
    accept(tmp_path / "a.pt", tensors)


def test_good_safetensors_by_another_name(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / "weights.pt")
    accept(tmp_path / "weights.pt", TENSORS)


def test_same_bytes_twice(tmp_path: Path) -> None:
    """torch.save writes other bytes each time, and in another order; the conversion does not."""
    torch.save(TENSORS, tmp_path / "a.pt")
    torch.save(OrderedDict(reversed(TENSORS.items())), tmp_path / "b.pt")
    for name in "ab":
        convert(tmp_path / f"{name}.pt", tmp_path / f"{name}.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


# --- Code ---


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("payload", payloads(Path("x")))
def test_pickle(payload: str, protocol: int, tmp_path: Path, canary: Path) -> None:
    value = {"weight": torch.zeros(2).numpy().tolist(), "x": payloads(canary)[payload]}
    (tmp_path / "a.pt").write_bytes(pickle.dumps(value, protocol))
    message = refuse(tmp_path / "a.pt")
    if protocol and payload != "a module":
        assert "pickle" in message
    assert not canary.exists()


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("payload", payloads(Path("x")))
def test_pickle_in_an_archive(payload: str, protocol: int, tmp_path: Path, canary: Path) -> None:
    evil = pickle.dumps({"weight": payloads(canary)[payload]}, protocol)
    (tmp_path / "a.pt").write_bytes(zip_of({**members(saved(TENSORS)), "archive/data.pkl": evil}))
    message = refuse(tmp_path / "a.pt", "its pickle")
    if protocol == 2 and payload == "pkgutil":
        assert "pkgutil.resolve_name" in message
    assert not canary.exists()


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before 1.6"])
@pytest.mark.parametrize("payload", payloads(Path("x")))
def test_saved_by_torch(payload: str, zipped: bool, tmp_path: Path, canary: Path) -> None:
    value = {**TENSORS, "x": payloads(canary)[payload]}
    (tmp_path / "a.pt").write_bytes(saved(value, _use_new_zipfile_serialization=zipped))
    refuse(tmp_path / "a.pt", "its pickle")
    assert not canary.exists()


@pytest.mark.parametrize("part", range(5))
def test_code_in_each_pickle_of_the_old_format(part: int, tmp_path: Path, canary: Path) -> None:
    good = saved(TENSORS, _use_new_zipfile_serialization=False)
    stream, ends = io.BytesIO(good), [0]

    class Names(pickle.Unpickler):
        def persistent_load(self, identity: Any) -> Any:
            return torch.FloatStorage(1)  # type: ignore[no-untyped-call]

    for _ in range(5):
        Names(stream).load()
        ends.append(stream.tell())
    evil = pickle.dumps(Runs(os.system, f"touch {canary}"), 2)
    (tmp_path / "a.pt").write_bytes(good[: ends[part]] + evil + good[ends[part + 1] :])
    refuse(tmp_path / "a.pt")
    assert not canary.exists()


def test_torchscript(tmp_path: Path) -> None:
    module = torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2))  # type: ignore[no-untyped-call]
    torch.jit.save(module, tmp_path / "a.pt")
    refuse(tmp_path / "a.pt", "TorchScript")


def test_torchscript_hidden_beside_tensors(tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(zip_of({**members(saved(TENSORS)), "archive/code/__torch__.py": b"x"}))
    refuse(tmp_path / "a.pt", "TorchScript")


def test_legacy_tar(tmp_path: Path, canary: Path) -> None:
    evil = pickle.dumps(Runs(os.system, f"touch {canary}"), 2)
    with tarfile.open(tmp_path / "a.pt", "w") as archive:
        for name in ("sys_info", "pickle", "tensors", "storages"):
            entry = tarfile.TarInfo(name)
            entry.size = len(evil)
            archive.addfile(entry, io.BytesIO(evil))
    refuse(tmp_path / "a.pt", "tar archive")
    assert not canary.exists()


# --- Not a dict of tensors ---


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (torch.zeros(2), "accepted is a dict"),
        ([torch.zeros(2)], "accepted is a dict"),
        ({}, "an empty dict"),
        ({"epoch": 3, "weight": torch.zeros(2)}, "'epoch' is an object of type int"),
        ({"state_dict": {"weight": torch.zeros(2)}}, "'state_dict' is an object of type dict"),
        ({0: torch.zeros(2)}, "0"),
        ({"a": torch.zeros(2).to_sparse()}, "_rebuild_sparse_tensor"),
        ({"a": torch.zeros(2, device="meta")}, "_rebuild_meta_tensor"),
        ({"a": torch.quantize_per_tensor(torch.zeros(2), 1.0, 0, torch.qint8)}, "_rebuild_qtensor"),
        ({"a": torch.zeros(1).expand(1 << 40)}, "more than once"),
        ({(1, 2): torch.zeros(1)}, "a tuple as a key"),
    ],
    ids=str,
)
def test_not_tensors_by_name(value: object, why: str, tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(saved(value))
    refuse(tmp_path / "a.pt", why)


# --- Forged pickles: sizes that are not there, and work without end ---

HEAD = b"\x80\x02}("
STORAGE = b"(X\x07\x00\x00\x00storagectorch\n%b\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu%btQ"


def long(value: int) -> bytes:
    data = value.to_bytes(8, "little", signed=True)
    return b"\x8a\x08" + data


def view(elements: int = 4, offset: int = 0, size: int = 4, stride: int = 1, kind: bytes = b"FloatStorage") -> bytes:
    storage = STORAGE % (kind, long(elements))
    call = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + long(offset)
    return call + long(size) + b"\x85" + long(stride) + b"\x85" + b"\x89ccollections\nOrderedDict\n)RtR"


def entry(value: bytes, name: bytes = b"a") -> bytes:
    return b"X" + struct.pack("<I", len(name)) + name + value


FORGED: dict[str, tuple[bytes, str]] = {
    "more elements than bytes": (HEAD + entry(view(elements=1 << 40)) + b"u.", "declares"),
    "fewer elements than bytes": (HEAD + entry(view(elements=2, size=2)) + b"u.", "declares"),
    "another width": (HEAD + entry(view(kind=b"DoubleStorage")) + b"u.", "declares"),
    "negative elements": (HEAD + entry(view(elements=-4)) + b"u.", "size"),
    "beyond the storage": (HEAD + entry(view(size=5)) + b"u.", "beyond its storage"),
    "offset beyond the storage": (HEAD + entry(view(offset=1)) + b"u.", "beyond its storage"),
    "offset negative": (HEAD + entry(view(offset=-1)) + b"u.", "no view"),
    "stride beyond the storage": (HEAD + entry(view(stride=2)) + b"u.", "beyond its storage"),
    "stride 0": (HEAD + entry(view(size=1 << 40, stride=0)) + b"u.", "more than once"),
    "size overflows": (HEAD + entry(view(size=(1 << 63) - 1, stride=(1 << 63) - 1)) + b"u.", "beyond its storage"),
    "size negative": (HEAD + entry(view(size=-1)) + b"u.", "no size"),
    "unknown storage class": (HEAD + entry(view(kind=b"system")) + b"u.", "torch.system"),
    "a dtype as a storage class": (HEAD + entry(view(kind=b"float32")) + b"u.", "unknown class"),
    "a storage as a value": (
        HEAD + entry(STORAGE % (b"FloatStorage", long(4))) + b"u.",
        "'a' is an object of type Storage",
    ),
    "a class as a value": (HEAD + entry(b"ccollections\nOrderedDict\n") + b"u.", "Global"),
    "calls what is no function": (HEAD + entry(b"K\x01)R") + b"u.", "calls int"),
    "calls a dtype": (HEAD + entry(b"ctorch\nfloat32\n)R") + b"u.", "calls torch.float32"),
    "calls with too few arguments": (HEAD + entry(b"ctorch._utils\n_rebuild_tensor_v2\n)R") + b"u.", "0 arguments"),
    "persistent id is no storage": (HEAD + entry(b"X\x01\x00\x00\x00xQ") + b"u.", "no tuple"),
    "persistent id by line": (HEAD + entry(b"Pstorage\n") + b"u.", "PERSID"),
    "state of a tensor": (HEAD + entry(view() + b"}b") + b"u.", "state of an object"),
    "attributes of a dict": (b"\x80\x02}}X\x01\x00\x00\x00xK\x01sb.", "state of an object"),
    "nested tuples as a key": (b"\x80\x02})" + b"q\x00h\x00\x86" * 60 + b"K\x01s.", "a tuple as a key"),
    "a dict as a key": (b"\x80\x02}}K\x01s.", "a dict as a key"),
    "appends to a dict": (b"\x80\x02}K\x01a.", "no list"),
    "sets items of a list": (b"\x80\x02]K\x01K\x01s.", "no dict"),
    "protocol 4": (b"\x80\x04}.", "protocol 4"),
    "stack underflow": (b"\x80\x02R.", "damaged"),
    "stop on a mark": (b"\x80\x02(.", "damaged"),
    "memo that is not there": (b"\x80\x02h\x07.", "damaged"),
    "no mark": (b"\x80\x02K\x01t.", "no mark"),
    "no end": (b"\x80\x02}", "ends in the middle"),
    "a string beyond the end": (b"\x80\x02X\xff\xff\xff\xff.", "ends in the middle"),
    "a name without end": (b"\x80\x02c" + b"a" * 5000, "middle of a name"),
    "a string that is not UTF-8": (b"\x80\x02X\x01\x00\x00\x00\xff.", "damaged"),
    "a large integer": (b"\x80\x02\x8a\xff" + b"\x7f" * 255 + b".", "255 bytes"),
    "an extension": (b"\x80\x02\x82\x01.", "EXT1"),
    "an object by class": (b"\x80\x02(ctorch\nFloatStorage\no.", "OBJ"),
    "an instance": (b"\x80\x02(ios\nsystem\n.", "INST"),
    "a new object": (b"\x80\x02ctorch\nFloatStorage\n)\x81.", "NEWOBJ"),
    "bytes behind the end": (b"\x80\x02}.}", "bytes follow"),
}


@pytest.mark.parametrize("case", FORGED)
def test_forged_pickle(case: str, tmp_path: Path) -> None:
    pickled, why = FORGED[case]
    archive = {"archive/data.pkl": pickled, "archive/data/0": bytes(16), "archive/version": b"3\n"}
    (tmp_path / "a.pt").write_bytes(zip_of(archive))
    refuse(tmp_path / "a.pt", why)


def test_the_forger_can_also_write_a_good_file(tmp_path: Path) -> None:
    """Otherwise the cases above might be refused for something else."""
    data = struct.pack("<4f", 1, 2, 3, 4)
    archive = {"archive/data.pkl": HEAD + entry(view()) + b"u.", "archive/data/0": data, "archive/version": b"3\n"}
    (tmp_path / "a.pt").write_bytes(zip_of(archive))
    accept(tmp_path / "a.pt", {"a": torch.tensor([1.0, 2, 3, 4])})


def test_storage_missing(tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(zip_of({"archive/data.pkl": HEAD + entry(view()) + b"u."}))
    refuse(tmp_path / "a.pt", "none are there")


def test_one_storage_under_a_thousand_names(tmp_path: Path) -> None:
    pickled = HEAD + b"".join(entry(view(elements=4096, size=4096), b"%d" % i) for i in range(1000)) + b"u."
    (tmp_path / "a.pt").write_bytes(zip_of({"archive/data.pkl": pickled, "archive/data/0": bytes(16384)}))
    refuse(tmp_path / "a.pt", "Save each tensor once")


def test_big_endian(tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(zip_of({**members(saved(TENSORS)), "archive/byteorder": b"big"}))
    refuse(tmp_path / "a.pt", "little-endian")


# --- Forged archives ---


def patched(data: bytes, offset: int, form: str, value: int) -> bytes:
    piece = struct.pack(form, value)
    return data[:offset] + piece + data[offset + len(piece) :]


def _forged_archives() -> dict[str, bytes]:
    good = saved(TENSORS)
    plain = zip_of(members(good))
    directory = plain.index(b"PK\x01\x02")
    end = plain.index(b"PK\x05\x06")
    second = plain.index(b"PK\x03\x04", 4)
    return {
        "truncated": good[:-1],
        "truncated in half": good[: len(good) // 2],
        "only its start": good[:4],
        "something before it": b"#!/bin/sh\n" + good,
        "something behind it": good + b"x",
        "a comment": patched(plain, end + 20, "<H", 3) + b"abc",
        "compressed": zip_of(members(good), zipfile.ZIP_DEFLATED),
        "compressed by bzip2": zip_of(members(good), zipfile.ZIP_BZIP2),
        "a bomb": zip_of({**members(good), "archive/data/9": bytes(50 << 20)}, zipfile.ZIP_DEFLATED),
        "encrypted": patched(patched(plain, 6, "<H", 1), directory + 8, "<H", 1),
        "encrypted in the directory alone": patched(plain, directory + 8, "<H", 1),
        "patched data flag": patched(patched(plain, 6, "<H", 0x20), directory + 8, "<H", 0x20),
        "another method in its own header": patched(plain, 8, "<H", 8),
        "smaller in its own header": patched(plain, 22, "<I", 1),
        "larger in its own header": patched(plain, 22, "<I", 1 << 30),
        "another checksum in its own header": patched(plain, 14, "<I", 1),
        "another name in its own header": patched(plain, 30, "<B", ord("b")),
        "smaller in the directory": patched(patched(plain, directory + 20, "<I", 1), directory + 24, "<I", 1),
        "larger in the directory": patched(
            patched(plain, directory + 20, "<I", 1 << 30), directory + 24, "<I", 1 << 30
        ),
        "two entries at one place": patched(plain, plain.index(b"PK\x01\x02", directory + 4) + 42, "<I", 0),
        "an entry at another place": patched(plain, directory + 42, "<I", second),
        "an entry beyond the file": patched(plain, directory + 42, "<I", 1 << 30),
        "a directory beyond the file": patched(plain, end + 16, "<I", 1 << 30),
        "an end that counts fewer": patched(patched(plain, end + 8, "<H", 1), end + 10, "<H", 1),
        "a link": patched(patched(plain, directory + 5, "<B", 3), directory + 38, "<I", 0o120777 << 16),
        "a second folder": zip_of({**members(good), "other/data.pkl": b"."}),
        "a name that climbs": zip_of({**members(good), "archive/../data.pkl": b"."}),
        "an absolute name": zip_of({**members(good), "/archive/x": b"."}),
        "a name with a NUL": plain.replace(b"archive/byteorder", b"archive/byte\x00rder"),
        "nothing in it": zip_of({}),
        "no pickle in it": zip_of({"archive/version": b"3\n"}),
        "numpy's": zip_of({"weight.npy": b"\x93NUMPY"}),
    }


ARCHIVES = _forged_archives()


@pytest.mark.parametrize("case", ARCHIVES)
def test_forged_archive(case: str, tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(ARCHIVES[case])
    refuse(tmp_path / "a.pt")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name(tmp_path: Path) -> None:
    """zipfile would read the last one, miniz the first."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in [*members(saved(TENSORS)).items(), ("archive/data.pkl", b"\x80\x02}.")]:
            archive.writestr(zipfile.ZipInfo(name), data)
    (tmp_path / "a.pt").write_bytes(stream.getvalue())
    refuse(tmp_path / "a.pt", "two members")


# --- Forged files of the old format ---


def test_old_format_sizes(tmp_path: Path) -> None:
    good = saved({"a": torch.arange(4.0)}, _use_new_zipfile_serialization=False)
    place = len(good) - 24  # 8 bytes of the number of elements, 16 of them
    assert good[place : place + 8] == struct.pack("<q", 4)
    for case, data in {
        "truncated": good[:-1],
        "longer": good + b"x",
        "more elements": patched(good, place, "<q", 1 << 40),
        "negative elements": patched(good, place, "<q", -4),
        "no elements": good[:place],
    }.items():
        (tmp_path / "a.pt").write_bytes(data)
        assert refuse(tmp_path / "a.pt"), case


# --- No checkpoint at all ---


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "an empty file"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"<!DOCTYPE html><html></html>", "a web page"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (b"\x1f\x8b\x08" + bytes(20), "a gzip file"),
        (bytes(1000), "length 0"),
        (b"cposix\nsystem\n(S'true'\ntR.", "posix.system"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_other_files(data: bytes, why: str, tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(data)
    refuse(tmp_path / "a.pt", why if data != bytes(1000) else "no checkpoint")


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_no_file(make: Any, tmp_path: Path) -> None:
    make(tmp_path / "a.pt")
    refuse(tmp_path / "a.pt", "not a regular file")


GOOD_FILES = [saved(TENSORS), saved(TENSORS, _use_new_zipfile_serialization=False)]


@given(st.data())
@settings(max_examples=250, deadline=None)
def test_damage_anywhere(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Bytes changed, removed or doubled: the tensors of some valid file, or a refusal, and nothing else."""
    good = data.draw(st.sampled_from(GOOD_FILES))
    start = data.draw(st.integers(0, len(good) - 1))
    length = data.draw(st.integers(0, 8))
    piece = data.draw(st.binary(max_size=8))
    directory = tmp_path_factory.mktemp("damage")
    (directory / "a.pt").write_bytes(good[:start] + piece + good[start + length :])
    try:
        convert(directory / "a.pt", directory / "out.safetensors")
    except LeptonError:
        return
    assert {t.element_size() for t in load_file(directory / "out.safetensors").values()} <= {1, 2, 4, 8}
