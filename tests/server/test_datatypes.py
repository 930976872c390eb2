"""Every datatype comes in and goes out as it is, in JSON and in raw bytes, and its limits hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import harness
import numpy as np
import pytest
from harness import Server, serving, tensor
from hypothesis import given, settings
from hypothesis import strategies as st
from lepton_server import http_codec, tensors
from lepton_server.datatypes import DATATYPES
from lepton_server.errors import RequestError
from lepton_server.signature import Signature, Tensor
from onnx import helper

from lepton_rules.plugin import TensorSpec

EDGES: dict[str, list[Any]] = {
    "bool": [True, False],
    "int8": [-128, 127],
    "int16": [-(2**15), 2**15 - 1],
    "int32": [-(2**31), 2**31 - 1],
    "int64": [-(2**63), 2**63 - 1],
    "uint8": [0, 255],
    "uint16": [0, 2**16 - 1],
    "uint32": [0, 2**32 - 1],
    "uint64": [0, 2**64 - 1],
    "float16": [-65504.0, 0.5],
    "float32": [-1.5, 3.4028234663852886e38],
    "float64": [1e-300, 1.7976931348623157e308],
    "str": ["", "nul \0, ümläut, 𝄞"],
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A model that gives back an input of every type."""
    inputs = [TensorSpec(f"in_{dtype}", dtype, ("batch",)) for dtype in DATATYPES]
    outputs = [TensorSpec(f"out_{dtype}", dtype, ("batch",)) for dtype in DATATYPES]
    nodes = [helper.make_node("Identity", [f"in_{dtype}"], [f"out_{dtype}"]) for dtype in DATATYPES]
    with serving(harness.onnx_model(tmp_path_factory.mktemp("types"), nodes, inputs, outputs)) as running:
        yield running


def raw(dtype: str, values: list[Any]) -> bytes:
    if dtype == "str":
        return b"".join(len(text.encode()).to_bytes(4, "little") + text.encode() for text in values)
    return np.array(values, dtype).tobytes()


def test_json(server: Server) -> None:
    request = {"inputs": [tensor(f"in_{dtype}", DATATYPES[dtype], [2], EDGES[dtype]) for dtype in DATATYPES]}
    outputs = server.infer(request).json()["outputs"]
    for dtype, output in zip(DATATYPES, outputs, strict=True):
        assert output == {
            "name": f"out_{dtype}",
            "datatype": DATATYPES[dtype],
            "shape": [2],
            "data": EDGES[dtype],
        }


def test_raw_bytes(server: Server) -> None:
    parts = {dtype: raw(dtype, EDGES[dtype]) for dtype in DATATYPES}
    inputs = [
        {
            "name": f"in_{dtype}",
            "datatype": DATATYPES[dtype],
            "shape": [2],
            "parameters": {"binary_data_size": len(part)},
        }
        for dtype, part in parts.items()
    ]
    wanted = [{"name": f"out_{dtype}", "parameters": {"binary_data": dtype != "int8"}} for dtype in DATATYPES]
    head = json.dumps({"inputs": inputs, "outputs": wanted}).encode()
    answer = server.infer(head + b"".join(parts.values()), {"Inference-Header-Content-Length": str(len(head))})
    assert answer.headers["content-type"] == "application/octet-stream"
    length = int(answer.headers["inference-header-content-length"])
    rest = answer.body[length:]
    for dtype, output in zip(DATATYPES, json.loads(answer.body[:length])["outputs"], strict=True):
        if dtype == "int8":
            assert output["data"] == EDGES[dtype]
            continue
        size = output["parameters"]["binary_data_size"]
        assert rest[:size] == parts[dtype]
        rest = rest[size:]
    assert rest == b""


def one(dtype: str, shape: tuple[int | str, ...] = ("batch",)) -> Tensor:
    return Tensor("t", dtype, DATATYPES[dtype], shape)


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        *((dtype, EDGES[dtype][0] - 1) for dtype in DATATYPES if "int" in dtype),
        *((dtype, EDGES[dtype][1] + 1) for dtype in DATATYPES if "int" in dtype),
        ("int64", 1.0),
        ("int64", 1e30),
        ("uint8", True),
        ("bool", 1),
        ("float16", 70000.0),
        ("float32", 1e39),
        ("float64", 10**400),
        ("str", 3),
        ("str", None),
        ("str", "\ud800"),
    ],
)
def test_values_beyond_the_type(dtype: str, value: Any) -> None:
    with pytest.raises(RequestError, match="'t'"):
        tensors.from_json(one(dtype), [1], [value])


@pytest.mark.parametrize(
    ("shape", "data"),
    [
        ([2], b"\1\0\0\0a"),
        ([1], b""),
        ([1], b"\1\0\0\0"),
        ([1], b"\1\0\0\0ab"),
        ([1], b"\xff\xff\xff\xffa"),
        ([1], b"\1\0\0\0\xff"),
        ([2**62], b"\0\0\0\0"),
    ],
)
def test_texts_whose_lengths_are_wrong(shape: list[int], data: bytes) -> None:
    with pytest.raises(RequestError, match="'t'"):
        tensors.from_bytes(one("str"), shape, memoryview(data))


def test_a_boolean_that_is_neither() -> None:
    with pytest.raises(RequestError, match="neither 0 nor 1"):
        tensors.from_bytes(one("bool"), [2], memoryview(b"\1\2"))


def test_flat_and_nested_are_the_same() -> None:
    wanted = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    for data in ([0, 1, 2, 3, 4, 5], [[[0, 1, 2], [3, 4, 5]]], [[[0.0, 1.0, 2], [3, 4, 5]]]):
        assert np.array_equal(tensors.from_json(one("float32"), [1, 2, 3], data), wanted)
    assert tensors.from_json(one("float32", ()), [], [3]).shape == ()


def test_dimensions_of_one_name_agree() -> None:
    ids, mask = (
        Tensor("ids", "int64", "INT64", ("batch", "sequence")),
        Tensor("mask", "int64", "INT64", ("batch", "sequence")),
    )
    signature = Signature("m", "1", "onnx_onnxv1", "sha256:0", (ids, mask), (), False)
    request = {"inputs": [tensor("ids", "INT64", [1, 2], [1, 2]), tensor("mask", "INT64", [1, 3], [1, 1, 1])]}
    with pytest.raises(RequestError, match="another input has 2 where this one has 3"):
        http_codec.decode(json.dumps(request).encode(), None, signature)


SIGNATURE = Signature("m", "1", "p", "sha256:0", (one("float32", ("batch", 2)),), (one("float32", ("batch", 2)),), True)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["t", "FP32", "inputs"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["name", "shape", "data", "inputs", "x"]), inner),
    max_leaves=20,
)


@settings(max_examples=100, deadline=None)
@given(JSON, st.binary(max_size=20), st.none() | st.integers(0, 200))
def test_whatever_comes_is_an_inference_or_a_refusal(value: Any, rest: bytes, length: int | None) -> None:
    for text in (json.dumps(value), json.dumps({"inputs": [value]}), json.dumps({"inputs": value, "outputs": value})):
        try:
            http_codec.decode(text.encode() + rest, length, SIGNATURE)
        except RequestError as error:
            assert error.status == 400
            assert len(error.message) < 600


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=2, max_size=2), JSON)
def test_one_input_of_anything(data: list[float], odd: Any) -> None:
    good = tensor("t", "FP32", [1, 2], data)
    assert http_codec.decode(json.dumps({"inputs": [good]}).encode(), None, SIGNATURE).inputs["t"].tolist() == [data]
    for key in ("name", "datatype", "shape", "data", "parameters"):
        try:
            http_codec.decode(json.dumps({"inputs": [good | {key: odd}]}).encode(), None, SIGNATURE)
        except RequestError as error:
            assert error.status == 400
