"""safetensors files that a stranger may have made: refused in one line, or read exactly as the library reads them."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save

from lepton_rules.plugin import LeptonError
from lepton_rules.plugin.safetensors_file import DTYPES, Blob, canonicalise, is_safetensors, read_entries, write


def forged(header: object, body: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + body


def tensor(dtype: str = "F32", shape: Any = (2,), offsets: Any = (0, 8), **more: Any) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets, **more}


GOOD = forged({"a": tensor()}, bytes(8))

HOSTILE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "an empty file"),
    "seven bytes": (GOOD[:7], "no safetensors file"),
    "header of length 0": (bytes(8) + b"rest", "length 0"),
    "header of length 0 with a brace": (bytes(8) + b"{}", "length 0"),
    "header longer than the file": (forged({"a": tensor()}, bytes(8), length=1 << 20), "follow"),
    "header length near 2**64": (forged({"a": tensor()}, bytes(8), length=(1 << 64) - 1), "follow"),
    "truncated in the header": (GOOD[:20], "follow"),
    "truncated in the data": (GOOD[:-1], "data_offsets"),
    "longer than its tensors": (GOOD + b"x", "belong to no tensor"),
    "not UTF-8": (forged(b'{"\xff\xfe": 1}'), "not UTF-8"),
    "not JSON": (forged(b"{a: 1}"), "header"),
    "half a surrogate pair": (forged(b'{"\\ud800": ' + json.dumps(tensor()).encode() + b"}", bytes(8)), "not text"),
    "JSON and more": (forged(b"{} {}"), "header"),
    "nested too deep": (forged(b'{"a":' + b"[" * 200_000), "nested too deep"),
    "a list": (forged([1]), "no safetensors file"),
    "no tensor is an object": (forged({"a": 1}), "keys"),
    "key missing": (forged({"a": {"dtype": "F32", "shape": [2]}}), "keys"),
    "key unknown": (forged({"a": tensor(extra=1)}, bytes(8)), "keys"),
    "names twice": (forged(b'{"a":%b,"a":%b}' % ((json.dumps(tensor()).encode(),) * 2), bytes(8)), "is there twice"),
    "keys twice": (
        forged(b'{"a":{"dtype":"F32","dtype":"F64","shape":[1],"data_offsets":[0,8]}}', bytes(8)),
        "is there twice",
    ),
    "metadata that is no map": (forged({"__metadata__": [1], "a": tensor()}, bytes(8)), "__metadata__"),
    "metadata of numbers": (forged({"__metadata__": {"a": 1}}), "__metadata__"),
    "dtype unknown": (forged({"a": tensor("F33")}, bytes(8)), "'F33'"),
    "dtype no string": (forged({"a": tensor(4)}, bytes(8)), "dtype"),  # type: ignore[arg-type]
    "shape no list": (forged({"a": tensor(shape={"0": 2})}, bytes(8)), "shape"),
    "shape negative": (forged({"a": tensor(shape=[-2])}, bytes(8)), "no size"),
    "shape a fraction": (forged({"a": tensor(shape=[2.0])}, bytes(8)), "2.0"),
    "shape true": (forged({"a": tensor(shape=[True])}, bytes(8)), "no size"),
    "shape NaN": (forged(b'{"a":{"dtype":"F32","shape":[NaN],"data_offsets":[0,8]}}', bytes(8)), "NaN"),
    "shape overflows": (forged({"a": tensor(shape=[1 << 33, 1 << 33])}, bytes(8)), "takes"),
    "shape overflows to the right size": (forged({"a": tensor(shape=[(1 << 62) + 2, 1])}, bytes(8)), "takes"),
    "shape beyond 64 bits": (forged({"a": tensor(shape=[10**30])}, bytes(8)), "digits"),
    "shape of a million digits": (
        forged(b'{"a":{"dtype":"F32","shape":[' + b"9" * 1_000_000 + b'],"data_offsets":[0,8]}}', bytes(8)),
        "digits",
    ),
    "rank of a million": (forged({"a": tensor(shape=[1] * 1_000_000)}, bytes(8)), "at most 64"),
    "offsets reversed": (forged({"a": tensor(offsets=[8, 0])}, bytes(8)), "data_offsets"),
    "offsets negative": (forged({"a": tensor(offsets=[-8, 0])}, bytes(8)), "data_offsets"),
    "offsets beyond the file": (forged({"a": tensor(offsets=[8, 16])}, bytes(8)), "data_offsets"),
    "offsets overflow": (forged({"a": tensor(offsets=[(1 << 64) - 8, 1 << 64])}, bytes(8)), "data_offsets"),
    "offsets not two": (forged({"a": tensor(offsets=[0, 8, 8])}, bytes(8)), "not two integers"),
    "offsets of another size": (forged({"a": tensor(offsets=[0, 7])}, bytes(7)), "takes 8 bytes"),
    "half a byte": (forged({"a": tensor("F4", [3], [0, 1])}, bytes(1)), "takes 1.5 bytes"),
    "gap at the start": (forged({"a": tensor(offsets=[8, 16])}, bytes(16)), "leaves a gap after the header"),
    "gap between": (forged({"a": tensor(), "b": tensor(offsets=[12, 20])}, bytes(20)), "leaves a gap after tensor 'a'"),
    "overlap": (forged({"a": tensor(), "b": tensor(offsets=[4, 12])}, bytes(12)), "overlaps tensor 'a'"),
    "the same bytes twice": (forged({"a": tensor(), "b": tensor()}, bytes(8)), "overlaps"),
    "a Git LFS pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "Git LFS pointer"),
    "a web page": (b"<!DOCTYPE html><html>404</html>", "a web page"),
    "a pickle": (b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00N.", "a pickle"),
    "a zip archive": (b"PK\x03\x04" + bytes(60), "a zip archive"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_refused(case: str, tmp_path: Path) -> None:
    data, why = HOSTILE[case]
    path = tmp_path / "weights.safetensors"
    path.write_bytes(data)
    start = time.process_time()
    with pytest.raises(LeptonError) as caught:
        canonicalise(path, tmp_path / "out.safetensors")
    message = str(caught.value)
    assert why in message and message.startswith("lepton: ") and len(message) < 600 and "\n" not in message
    assert not (tmp_path / "out.safetensors").exists()
    assert time.process_time() - start < 10


def test_header_too_long(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes((100_000_001).to_bytes(8, "little") + b"{")
    os.truncate(path, 200_000_000)  # a sparse file
    with pytest.raises(LeptonError, match="at most 100000000"):
        read_entries(path)


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_no_file(make: Any, tmp_path: Path) -> None:
    make(tmp_path / "weights.safetensors")
    with pytest.raises(LeptonError, match="not a regular file"):
        read_entries(tmp_path / "weights.safetensors")


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(LeptonError, match="cannot be opened"):
        read_entries(tmp_path / "weights.safetensors")


def test_a_pickle_is_told_how_to_become_safetensors(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(2)}, tmp_path / "weights.safetensors")
    with pytest.raises(LeptonError, match=r"lepton_checkpoint\(src"):
        read_entries(tmp_path / "weights.safetensors")


@pytest.mark.parametrize("magic", [b"\x78\x9c", b"\x78\xda", b"\x1f\x8b", b"\x80\x02"], ids=lambda magic: magic.hex())
def test_a_length_that_looks_like_another_kind_of_file_loads(magic: bytes, tmp_path: Path) -> None:
    """0x9c78 is zlib's header, and a fine length of 40,056 bytes."""
    length = int.from_bytes(magic, "little")
    header = json.dumps({"a": tensor()}).encode()
    data = forged(header + b" " * (length - len(header)), bytes(range(8)))
    path = tmp_path / "weights.bin"
    path.write_bytes(data)
    assert data[: len(magic)] == magic and is_safetensors(path)
    assert list(read_entries(path)) == ["a"]
    canonicalise(path, tmp_path / "out.safetensors")
    assert torch.equal(load_file(tmp_path / "out.safetensors")["a"], load_file(path)["a"])


def test_a_hundred_thousand_entries(tmp_path: Path) -> None:
    names = sorted(f"layer.{index}.weight" for index in range(100_000))
    header = {name: tensor("U8", [1], [place, place + 1]) for place, name in enumerate(names)}
    (tmp_path / "many.safetensors").write_bytes(forged(header, bytes(100_000)))
    start = time.process_time()
    entries = read_entries(tmp_path / "many.safetensors")
    assert len(entries) == 100_000 and time.process_time() - start < 5
    start = time.process_time()
    canonicalise(tmp_path / "many.safetensors", tmp_path / "out.safetensors")
    assert time.process_time() - start < 15
    assert list(read_entries(tmp_path / "out.safetensors")) == names


def test_same_bytes_as_the_library(tmp_path: Path) -> None:
    tensors = {
        "z": torch.arange(6, dtype=torch.float32).reshape(2, 3),
        "a": torch.tensor(7, dtype=torch.int64),
        "ünïcode\n": torch.zeros(0, 4, dtype=torch.bfloat16),
        "flag": torch.tensor([True, False]),
        "half": torch.ones(3, dtype=torch.float16),
        "byte": torch.ones(3, dtype=torch.int8),
        "double": torch.ones(1, dtype=torch.float64),
        "f8": torch.ones(1, dtype=torch.float8_e4m3fn),
        "u16": torch.ones(1, dtype=torch.uint16),
        "i16": torch.ones(1, dtype=torch.int16),
        "i32": torch.ones(1, dtype=torch.int32),
    }
    (tmp_path / "in.safetensors").write_bytes(save(tensors, metadata={"format": "pt"}))
    entries = canonicalise(tmp_path / "in.safetensors", tmp_path / "out.safetensors")
    assert set(entries) == set(tensors)
    assert (tmp_path / "out.safetensors").read_bytes() == save(tensors)


def test_write_refuses(tmp_path: Path) -> None:
    blob = Blob("F32", (1,), 4, [bytes(4)])
    for tensors, why in [
        ({"__metadata__": blob}, "name"),
        ({"\ud800": blob}, "name"),
        ({"a": Blob("F33", (1,), 4, [bytes(4)])}, "F33"),
        ({"a": Blob("F32", (1,), 4, [bytes(3)])}, "3 bytes"),
    ]:
        with pytest.raises(LeptonError, match=why):
            write(tmp_path / "out.safetensors", tensors)


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=8).filter(lambda name: name != "__metadata__"),
        st.tuples(
            st.sampled_from([d for d, bits in DTYPES.items() if bits >= 8]), st.lists(st.integers(0, 4), max_size=3)
        ),
        max_size=6,
    )
)
@settings(max_examples=60, deadline=None)
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, tensors: dict[str, tuple[str, list[int]]]) -> None:
    path = tmp_path_factory.mktemp("round") / "x.safetensors"
    blobs = {}
    for index, (name, (dtype, shape)) in enumerate(tensors.items()):
        size = DTYPES[dtype] // 8
        for length in shape:
            size *= length
        blobs[name] = Blob(dtype, tuple(shape), size, [bytes([index]) * size])
    write(path, blobs)
    entries = read_entries(path)
    data = path.read_bytes()
    assert set(entries) == set(tensors)
    for index, (name, (dtype, shape)) in enumerate(tensors.items()):
        entry = entries[name]
        assert (entry.dtype, list(entry.shape)) == (dtype, shape)
        assert set(data[entry.start : entry.end]) <= {index}


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
@settings(max_examples=300, deadline=None)
def test_any_byte_changed_is_refused_or_read_as_the_library_reads_it(
    tmp_path_factory: pytest.TempPathFactory, position: int, value: int
) -> None:
    data = bytearray(GOOD)
    data[position] = value
    path = tmp_path_factory.mktemp("flip") / "x.safetensors"
    path.write_bytes(data)
    try:
        entries = read_entries(path)
    except LeptonError:
        return
    loaded = load_file(path)
    assert {name: list(entry.shape) for name, entry in entries.items()} == {n: list(t.shape) for n, t in loaded.items()}
