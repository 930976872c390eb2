"""Every bad request gets the status that says whose mistake it was, and the server goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import harness
import pytest
from harness import Server, serving, tensor

POST = b"POST /v2/models/m/infer HTTP/1.1\r\nHost: m\r\n"
GOOD = {"inputs": [tensor("x", "FP32", [1, 4], [1, 2, 3, 4])]}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(harness.double(tmp_path_factory.mktemp("double"))) as running:
        yield running


@pytest.fixture(autouse=True)
def still_healthy(server: Server) -> Iterator[None]:
    yield
    assert server.healthy()
    answer = server.infer(GOOD)
    assert answer.status == 200
    assert answer.json()["outputs"][0]["data"] == [2.0, 4.0, 6.0, 8.0]


def x(**changed: Any) -> dict[str, Any]:
    """A request whose one input differs from a good one; None takes a key away."""
    entry = tensor("x", "FP32", [1, 4], [1, 2, 3, 4]) | changed
    return {"inputs": [{key: value for key, value in entry.items() if value is not None}]}


BODIES: dict[str, bytes] = {
    "empty": b"",
    "spaces": b"   ",
    "malformed": b'{"inputs": [',
    "two values": b"{} {}",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "utf-16": json.dumps(GOOD).encode("utf-16"),
    "not utf-8": b'{"id": "\xff\xfe", "inputs": []}',
    "an array": b"[]",
    "a number": b"3",
    "null": b"null",
    "a duplicate key": b'{"inputs": [], "inputs": []}',
    "a duplicate key inside": b'{"inputs": [{"name": "x", "name": "x"}]}',
    "NaN": b'{"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 4], "data": [1, 2, 3, NaN]}]}',
    "Infinity": b'{"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 4], "data": [1, 2, 3, -Infinity]}]}',
    "1e999": b'{"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 4], "data": [1, 2, 3, 1e999]}]}',
    "an endless integer": b'{"inputs": ' + b"9" * 10_000 + b"}",
    "nested 120": b"[" * 120 + b"]" * 120,
    "nested 250,000": b"[" * 250_000 + b"]" * 250_000,
    "objects nested 120,000": b'{"a":' * 120_000 + b"1" + b"}" * 120_000,
    "data nested 120": json.dumps(x(data=0)).encode().replace(b'"data": 0', b'"data": ' + b"[" * 120 + b"]" * 120),
    "300,000 arrays": b'{"inputs": [' + b"[]," * 300_000 + b"[]]}",
    "300,000 names, one of them twice": b'{"a":1,' + b",".join(b'"%x":1' % place for place in range(300_000)) + b"}",
    "a control character": b'{"id": "a\nb"}',
}


@pytest.mark.parametrize("name", BODIES)
def test_what_is_no_request(server: Server, name: str) -> None:
    answer = server.infer(BODIES[name])
    assert answer.status == 400
    assert answer.json()["error"]


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


REQUESTS: dict[str, tuple[dict[str, Any], str]] = {
    "no inputs": ({}, "inputs"),
    "inputs of null": ({"inputs": None}, "inputs"),
    "an empty list": ({"inputs": []}, "'x' is missing"),
    "an input that is no object": ({"inputs": [3]}, "not a JSON object"),
    "a name that is no text": (x(name=[1]), "no input"),
    "an unknown input": (x(name="z"), "no input 'z', it has 'x'"),
    "an unknown name with control characters": (x(name="z\r\n\x00"), "no input"),
    "a long name": (x(name="z" * 100_000), "no input"),
    "an input twice": ({"inputs": GOOD["inputs"] * 2}, "twice"),
    "an id that is a number": (GOOD | {"id": 3}, "id"),
    "parameters of text": (GOOD | {"parameters": "x"}, "parameters"),
    "no datatype": (x(datatype=None), "FP32"),
    "another datatype": (x(datatype="FP64"), "FP32"),
    "an unknown datatype": (x(datatype="float"), "FP32"),
    "a datatype that is a list": (x(datatype=["FP32"]), "FP32"),
    "no shape": (x(shape=None), "shape"),
    "a shape of text": (x(shape="1,4"), "shape"),
    "a shape of fractions": (x(shape=[1.0, 4.0]), "shape"),
    "a shape of booleans": (x(shape=[True, 4]), "shape"),
    "too few dimensions": (x(shape=[4]), "1 dimensions"),
    "too many dimensions": (x(shape=[1, 4, 1]), "3 dimensions"),
    "100,000 dimensions": (x(shape=[1] * 100_000), "100000 dimensions"),
    "another length": (x(shape=[1, 5], data=[1] * 5), "[-1, 4]"),
    "a negative dimension": (x(shape=[-1, 4]), "[-1, 4]"),
    "twice negative": (x(shape=[-1, -4]), "[-1, 4]"),
    "an empty batch": (x(shape=[0, 4], data=[]), "[-1, 4]"),
    "a product that overflows": (x(shape=[2**62, 4]), "values"),
    "a dimension that overflows": (x(shape=[2**200, 4]), "values"),
    **{f"a name nested {depth}": (x(name=nested(depth)), "no input") for depth in (100, 500, 900, 930, 950)},
    "no data": (x(data=None), "data"),
    "data that is a number": (x(data=3), "data"),
    "data that is an object": (x(data={"0": 1}), "data"),
    "longer data": (x(data=[1, 2, 3, 4, 5]), "5 values"),
    "shorter data": (x(data=[1, 2, 3]), "3 values"),
    "empty data": (x(data=[]), "0 values"),
    "rows of several lengths": (x(shape=[2, 4], data=[[1, 2, 3, 4], [1, 2, 3]]), "nested"),
    "rows and numbers": (x(shape=[2, 4], data=[[1, 2, 3, 4], 5]), "nested"),
    "nested another way": (x(shape=[2, 4], data=[[1, 2]] * 4), "nested"),
    "nested too deep": (x(data=[[[1, 2, 3, 4]]]), "nested"),
    "texts": (x(data=["1", "2", "3", "4"]), "string"),
    "one long text among numbers": (x(data=["1" * 100_000, 2, 3, 4]), "string"),
    "booleans": (x(data=[True, 2, 3, 4]), "boolean"),
    "nulls": (x(data=[None] * 4), "null"),
    "objects": (x(data=[{}] * 4), "object"),
    "arrays inside": (x(data=[1, 2, 3, []]), "array"),
    "beyond the type": (x(data=[1, 2, 3, 1e300]), "beyond FP32"),
    "an integer beyond the type": (x(data=[1, 2, 3, 10**400]), "beyond FP32"),
    "an unknown output": (GOOD | {"outputs": [{"name": "z"}]}, "no output 'z', it has 'y'"),
    "an output twice": (GOOD | {"outputs": [{"name": "y"}] * 2}, "twice"),
    "outputs of text": (GOOD | {"outputs": "y"}, "outputs"),
    "an output that is text": (GOOD | {"outputs": ["y"]}, "object"),
    "binary_data that is text": (GOOD | {"outputs": [{"name": "y", "parameters": {"binary_data": "yes"}}]}, "true or"),
    "classification": (GOOD | {"outputs": [{"name": "y", "parameters": {"classification": 2}}]}, "classification"),
    "shared memory": (x(parameters={"shared_memory_region": "r"}), "shared memory"),
    "binary data without a body": (x(data=None, parameters={"binary_data_size": 16}), "0 bytes are left"),
    "binary data and data": (x(parameters={"binary_data_size": 0}), "both"),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_requests_that_do_not_fit(server: Server, name: str) -> None:
    request, why = REQUESTS[name]
    answer = server.infer(request)
    assert answer.status == 400
    assert why in answer.json()["error"]
    assert len(answer.body) < 1000


def binary(size: object = 16, shape: tuple[int, ...] = (1, 4)) -> dict[str, Any]:
    return {"inputs": [{"name": "x", "datatype": "FP32", "shape": shape, "parameters": {"binary_data_size": size}}]}


BINARY: dict[str, tuple[dict[str, Any], bytes, str]] = {
    "shorter than its size": (binary(16), b"\0" * 12, "12 bytes are left"),
    "shorter than its shape": (binary(12), b"\0" * 12, "needs 16"),
    "longer than its shape": (binary(20), b"\0" * 20, "needs 16"),
    "bytes that nobody asked for": (binary(16), b"\0" * 17, "1 bytes after"),
    "a negative size": (binary(-16), b"\0" * 16, "-16"),
    "a fraction": (binary(16.0), b"\0" * 16, "16.0"),
    "a text": (binary("16"), b"\0" * 16, "'16'"),
    "true": (binary(True), b"\0" * 16, "True"),
    "a size that overflows": (binary(2**64 + 16), b"\0" * 16, "16 bytes are left"),
    "a shape that overflows": (binary(16, (2**62, 4)), b"\0" * 16, "needs"),
}


@pytest.mark.parametrize("name", BINARY)
def test_binary_that_does_not_fit(server: Server, name: str) -> None:
    request, raw, why = BINARY[name]
    head = json.dumps(request).encode()
    answer = server.infer(head + raw, {"Inference-Header-Content-Length": str(len(head))})
    assert answer.status == 400
    assert why in answer.json()["error"]


@pytest.mark.parametrize("length", ["-1", "x", "1e3", "99999", "9" * 400, "", "٣"])
def test_json_length_that_is_none(server: Server, length: str) -> None:
    headers = {"Inference-Header-Content-Length": length.encode() if not length.isascii() else length}
    assert server.infer(json.dumps(GOOD).encode(), headers).status == 400  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v1", 404),
        ("GET", "/v2/models", 404),
        ("GET", "/v2/models/other", 404),
        ("GET", "/v2/models/M", 404),
        ("POST", "/v2/models/other/infer", 404),
        ("POST", "/v2/models/m/versions/2/infer", 404),
        ("POST", "/v2/models/m/versions/infer", 404),
        ("GET", "/v2/models/m/versions/2/ready", 404),
        ("GET", "/v2/models/../../etc/passwd", 404),
        ("GET", "/v2/models/%2e%2e/%00", 404),
        ("GET", "/v2/models/" + "a" * 10_000, 404),
        ("GET", "/v2/models/m/infer", 405),
        ("PUT", "/v2/models/m/infer", 405),
        ("POST", "/v2/health/live", 405),
        ("DELETE", "/metrics", 405),
    ],
)
def test_paths_that_are_none(server: Server, method: str, path: str, status: int) -> None:
    answer = server.ask(method, path, json.dumps(GOOD).encode() if method == "POST" else None)
    assert answer.status == status
    assert len(answer.body) < 1000
    if status == 405:
        assert answer.headers["allow"]


def test_paths_that_are_there(server: Server) -> None:
    assert server.ask("GET", "/v2").json()["extensions"] == ["binary_tensor_data", "model_configuration"]
    metadata = {
        "name": "m",
        "versions": ["1"],
        "platform": "onnx_onnxv1",
        "inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 4]}],
        "outputs": [{"name": "y", "datatype": "FP32", "shape": [-1, 4]}],
    }
    for path in ("/v2/models/m", "/v2/models/m/", "/v2/models/m/versions/1"):
        found = server.ask("GET", path).json()
        assert found.pop("properties")["digest"].startswith("sha256:")
        assert found == metadata
    assert server.ask("GET", "/v2/models/m/versions/1/ready").json() == {"name": "m", "ready": True}
    head = server.ask("HEAD", "/v2/health/live")
    assert (head.status, head.body) == (200, b"")
    answer = server.ask("POST", "/v2/models/m/versions/1/infer", json.dumps(GOOD | {"id": "7"}).encode())
    assert answer.json() == {
        "model_name": "m",
        "model_version": "1",
        "outputs": [{"name": "y", "datatype": "FP32", "shape": [1, 4], "data": [2.0, 4.0, 6.0, 8.0]}],
        "id": "7",
    }


def test_no_json_for_nan(server: Server) -> None:
    head = json.dumps(binary(16)).encode()
    raw = b"\x00\x00\xc0\x7f" * 4
    answer = server.infer(head + raw, {"Inference-Header-Content-Length": str(len(head))})
    assert answer.status == 422
    assert "binary_data" in answer.json()["error"]
    head = json.dumps(binary(16) | {"parameters": {"binary_data_output": True}}).encode()
    answer = server.infer(head + raw, {"Inference-Header-Content-Length": str(len(head))})
    assert answer.status == 200
    assert answer.body[int(answer.headers["inference-header-content-length"]) :] == raw


@pytest.mark.parametrize(
    "garbage",
    [
        b"\0" * 1000,
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xaa" * 500,
        POST + b"Content-Length: -5\r\n\r\n",
        POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        b"GET /v2/health/live HTTP/1.1\r\nHost : m\r\n\r\n",
        b"GET /v2/health/live HTTP/1.1\r\nA: b\x00c\r\n\r\n",
    ],
)
def test_what_is_no_http(server: Server, garbage: bytes) -> None:
    with server.connect() as connection:
        connection.sendall(garbage)
        head, _, body = connection.makefile("rb").read().partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 ")
        assert json.loads(body) == {"error": "this is no HTTP request"}


def test_no_http_after_a_request(server: Server) -> None:
    """It gets no answer before the request has its own: the connection ends, and never with half an answer."""
    body = json.dumps(GOOD).encode()
    with server.connect() as connection:
        connection.sendall(POST + b"Content-Length: %d\r\n\r\n%s\0\0\0" % (len(body), body))
        assert connection.makefile("rb").read()[:13] in (b"", b"HTTP/1.1 200 ")


def test_the_log_is_json_and_short(server: Server, tmp_path: Path) -> None:
    assert not [entry for entry in server.logs if entry["event"] == "NOT JSON"]
    assert not [entry for entry in server.logs if "traceback" in entry]
    assert len(server.logs) < 10
