"""Array files that a stranger may have made: refused in one line, or read exactly as numpy reads them."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lepton_rules.plugin import DatasetFile, LeptonError, TensorSpec
from lepton_rules.plugin.arrays import read_npy, read_npz, require_fit


def npy(array: np.ndarray[Any, Any], **options: Any) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, **options)
    return stream.getvalue()


def forged(header: str, body: bytes = b"", version: tuple[int, int] = (1, 0)) -> bytes:
    text = header.encode() + b"\n"
    length = struct.pack("<H" if version == (1, 0) else "<I", len(text))
    return b"\x93NUMPY" + bytes(version) + length + text + body


def header(descr: str = "'<f4'", fortran: str = "False", shape: str = "(2,)") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}}}"


def archive(path: Path, members: list[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as target:
        for name, content in members:
            target.writestr(name, content)
    return path


GOOD = npy(np.arange(6, dtype=np.float32))


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_reads_what_numpy_writes(tmp_path: Path, write: Callable[..., None]) -> None:
    arrays: dict[str, np.ndarray[Any, Any]] = {
        "image": np.random.default_rng(0).random((5, 3, 4), np.float32),
        "labels": np.arange(5),
        "fortran": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        "big_endian": np.arange(4, dtype=">i4"),
        "scalar": np.array(1.5, np.float16),
        "flags": np.array([True, False]),
        "none": np.zeros((0, 7), np.int8),
        "zeros": np.zeros((400, 400), np.float32),  # very dense, but small
    }
    write(tmp_path / "data.npz", **arrays)
    got = read_npz(tmp_path / "data.npz")
    assert list(got) == sorted(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(got[name], array)
        assert got[name].shape == array.shape
        assert got[name].dtype == array.dtype.newbyteorder("=")
        assert got[name].flags.c_contiguous


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(hnp.scalar_dtypes().filter(lambda d: d.kind in "biufc" and d.itemsize <= 16), hnp.array_shapes()))
def test_agrees_with_numpy(array: np.ndarray[Any, Any]) -> None:
    data = npy(array)
    path = Path(os.environ.get("TMPDIR", "/tmp")) / f"lepton_arrays_{os.getpid()}.npy"
    try:
        path.write_bytes(data)
        np.testing.assert_array_equal(read_npy(path), array)
    finally:
        path.unlink(missing_ok=True)


BAD_ARRAYS: dict[str, tuple[bytes, str]] = {
    "object": (npy(np.array([{}], dtype=object), allow_pickle=True), "pickles"),
    "object-inside": (forged(header("[('a', '|O')]")), "dtype"),
    "structured": (npy(np.zeros(2, [("a", "<f4")])), "dtype"),
    "strings": (npy(np.array(["a"])), "dtype"),
    "datetime": (npy(np.array(["2020-01-01"], "datetime64[D]")), "dtype"),
    "empty": (b"", "an empty file"),
    "not-numpy": (b"version https://git-lfs.github.com/spec/v1\n" * 4, "Git LFS"),
    "magic-only": (b"\x93NUMPY", "truncated"),
    "version": (forged(header(), bytes(8), (9, 0)), "version 9.0"),
    "header-longer-than-file": (b"\x93NUMPY\x01\x00\xff\x00{}", "truncated"),
    "header-of-4-GB": (b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}", "declares 4294967295 bytes"),
    "header-not-literal": (forged("__import__('os').system('false')"), "literal"),
    "header-nested": (forged("(" * 5000), "literal"),
    "header-not-utf8": (b"\x93NUMPY\x03\x00\x02\x00\x00\x00\xff\xfe", "literal"),
    "extra-key": (forged("{'descr': '<f4', 'fortran_order': False, 'shape': (), 'x': 1}"), "exactly the keys"),
    "missing-key": (forged("{'descr': '<f4', 'shape': ()}"), "exactly the keys"),
    "fortran-number": (forged(header(fortran="1"), bytes(8)), "fortran_order"),
    "negative": (forged(header(shape="(-1, -2)"), bytes(8)), "no size"),
    "boolean-dimension": (forged(header(shape="(True, 2)"), bytes(8)), "no size"),
    "float-dimension": (forged(header(shape="(2.0,)"), bytes(8)), "no size"),
    "list-shape": (forged(header(shape="[2]"), bytes(8)), "no tuple"),
    "rank-1000": (forged(header(shape="(" + "1," * 1000 + ")"), bytes(4)), "no tuple of at most 64"),
    "overflow-to-8-bytes": (forged(header(shape=f"({2**62}, 4, 2)"), bytes(8)), "declares"),
    "overflow-to-0": (forged(header(shape=f"({2**63},)")), "no size"),
    "impossible-empty": (forged(header(shape=f"(0, {2**62}, {2**62})")), "impossible"),
    "2^40-floats": (forged(header(shape=f"({2**40},)"), bytes(80)), "declares 4398046511104 bytes"),
    "truncated": (GOOD[:-1], "declares 24 bytes of data and 23"),
    "trailing": (GOOD + b"\x00", "declares 24 bytes of data and 25"),
    "booleans": (forged(header("'|b1'"), b"\x02\x01"), "neither 0 nor 1"),
}


@pytest.mark.parametrize("case", BAD_ARRAYS)
@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_refuses_bad_arrays(tmp_path: Path, case: str, compression: int) -> None:
    content, text = BAD_ARRAYS[case]
    with pytest.raises(LeptonError, match=r"\Alepton: .*'x'.*") as error:
        read_npz(archive(tmp_path / "bad.npz", [("good.npy", GOOD), ("x.npy", content)], compression))
    assert text in str(error.value)
    (tmp_path / "bad.npy").write_bytes(content)
    with pytest.raises(LeptonError) as error:
        read_npy(tmp_path / "bad.npy")
    assert text in str(error.value)


@pytest.mark.parametrize("name", ["../x.npy", "/etc/x.npy", "a/../../x.npy", "a\\x.npy", ".npy", "x\n.npy", "x.txt"])
def test_refuses_bad_member_names(tmp_path: Path, name: str) -> None:
    with pytest.raises(LeptonError, match="member"):
        read_npz(archive(tmp_path / "bad.npz", [(name, GOOD)]))


def test_refuses_duplicate_names(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        path = archive(tmp_path / "bad.npz", [("x.npy", GOOD), ("x.npy", GOOD)])
    with pytest.raises(LeptonError, match="two of its members are named 'x'"):
        read_npz(path)


def test_refuses_a_bomb(tmp_path: Path) -> None:
    bomb = npy(np.zeros(1 << 22, np.float32))
    with pytest.raises(LeptonError, match="ratio above 100"):
        read_npz(archive(tmp_path / "bad.npz", [("x.npy", bomb)], zipfile.ZIP_DEFLATED))
    many = npy(np.zeros(200_000, np.float32))
    with pytest.raises(LeptonError, match="ratio above 100"):
        read_npz(archive(tmp_path / "bad.npz", [(f"x{i}.npy", many) for i in range(40)], zipfile.ZIP_DEFLATED))


def test_refuses_forged_sizes_flags_and_checksums(tmp_path: Path) -> None:
    path = archive(tmp_path / "good.npz", [("x.npy", GOOD)])
    good = path.read_bytes()
    directory = good.index(b"PK\x01\x02")
    for offset, value in {
        8: b"\x01\x00",  # encrypted
        10: b"\x63\x00",  # unknown method
        16: b"\xde\xad\xbe\xef",  # checksum
        20: b"\xff\xff\xff\x7f",  # packed size
        24: b"\xff\xff\xff\x7f",  # unpacked size
        38: b"\x00\x00\x00\xa0",  # a symbolic link
        42: b"\x10\x00\x00\x00",  # where it begins
    }.items():
        bad = bytearray(good)
        bad[directory + offset : directory + offset + len(value)] = value
        path.write_bytes(bad)
        with pytest.raises(LeptonError):
            read_npz(path)


def test_refuses_overlapping_members(tmp_path: Path) -> None:
    path = archive(tmp_path / "bad.npz", [("x.npy", GOOD), ("y.npy", GOOD)])
    data = bytearray(path.read_bytes())
    second = data.rindex(b"PK\x01\x02")
    data[second + 42 : second + 46] = bytes(4)
    path.write_bytes(data)
    with pytest.raises(LeptonError):
        read_npz(path)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "an empty file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "Git LFS"),
        (b"<!DOCTYPE html><html></html>", "a web page"),
        (b"\x80\x04N.", "a pickle"),
        (GOOD, "one bare numpy array"),
        (b"\x1f\x8b\x08\x00", "gzip"),
    ],
)
def test_says_what_was_given_instead(tmp_path: Path, content: bytes, text: str) -> None:
    (tmp_path / "data.npz").write_bytes(content)
    with pytest.raises(LeptonError, match=text):
        DatasetFile(tmp_path / "data.npz").arrays()


def test_refuses_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.npz")
    for name in ("fifo.npz", ".", "missing.npz"):
        with pytest.raises(LeptonError):
            read_npz(tmp_path / name)


def test_truncated_anywhere(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "good.npz", x=np.arange(300), y=np.eye(3))
    good = (tmp_path / "good.npz").read_bytes()
    for length in range(len(good)):
        (tmp_path / "bad.npz").write_bytes(good[:length])
        with pytest.raises(LeptonError):
            read_npz(tmp_path / "bad.npz")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_flipped_bytes_are_refused_or_harmless(data: st.DataObject) -> None:
    stream = io.BytesIO()
    np.savez_compressed(stream, x=np.arange(50), y=np.eye(3))
    content = bytearray(stream.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = Path(os.environ.get("TMPDIR", "/tmp")) / f"lepton_flip_{os.getpid()}.npz"
    try:
        path.write_bytes(content)
        for array in read_npz(path).values():
            assert array.nbytes <= 100 * len(content)
    except LeptonError as error:
        assert str(error).startswith("lepton: ") and "\n" not in str(error)
    finally:
        path.unlink(missing_ok=True)


IMAGE = TensorSpec("image", "float32", ("batch", 3, "side", "side"))


def test_samples_that_fit() -> None:
    arrays: dict[str, np.ndarray[Any, Any]] = {"image": np.zeros((4, 3, 8, 8), np.float32), "labels": np.arange(4)}
    assert require_fit(arrays, [IMAGE], "dataset") == 4


@pytest.mark.parametrize(
    ("arrays", "text"),
    [
        ({"images": np.zeros((4, 3, 8, 8), np.float32)}, "no array is named as the model's input 'image'"),
        ({"image": np.zeros((4, 3, 8, 8))}, "float64"),
        ({"image": np.zeros((4, 1, 8, 8), np.float32)}, r"\[4, 1, 8, 8\]"),
        ({"image": np.zeros((4, 3, 8, 9), np.float32)}, r"\[4, 3, 8, 9\]"),
        ({"image": np.zeros((4, 3, 8), np.float32)}, r"\[4, 3, 8\]"),
        ({"image": np.zeros((0, 3, 8, 8), np.float32)}, "no samples"),
        ({"image": np.zeros((4, 3, 8, 8), np.float32), "labels": np.arange(3)}, "numbers of samples"),
        ({"image": np.zeros((4, 3, 8, 8), np.float32), "labels": np.array(3)}, "numbers of samples"),
    ],
)
def test_samples_that_do_not_fit(arrays: dict[str, Any], text: str) -> None:
    with pytest.raises(LeptonError, match=text):
        require_fit(arrays, [IMAGE], "dataset")
