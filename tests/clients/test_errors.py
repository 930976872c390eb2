"""What servers do wrong is an error of its kind, the same in every language, and never a wrong answer."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from misbehaving import Behaviour, answer, misbehaving, slowly
from toolchains import compile_cpp, compile_java
from writing_clients import import_client, write_client

PROGRAMS = Path(__file__).parent / "programs"
MANIFEST: dict[str, Any] = {
    "digest": "sha256:" + "0" * 64,
    "inputs": [{"name": "x", "dtype": "float32", "shape": ["n"]}],
    "outputs": [{"name": "y", "dtype": "float32", "shape": ["n"]}],
}


def _says(body: Any, status: str = "200 OK", headers: str = "") -> Behaviour:
    content = answer(body, status, headers)
    return lambda connection, _: connection.sendall(content)


def _outputs(blob: bytes = b"", **changes: Any) -> Behaviour:
    """An answer in bytes, good but for the changes."""
    parameters = {"binary_data_size": changes.pop("size", len(blob))}
    output = {"name": "y", "datatype": "FP32", "shape": [2], "parameters": parameters} | changes
    head = answer({"outputs": [output]}).partition(b"\r\n\r\n")[2]
    return _says(head + blob, headers=f"Inference-Header-Content-Length: {len(head)}\r\n")


def _break_off(connection: socket.socket, _: str) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    connection.shutdown(socket.SHUT_RDWR)


def _hang_up(connection: socket.socket, _: str) -> None:
    connection.shutdown(socket.SHUT_RDWR)


# What the server does, the error's name, and how the rest of what the programs print begins.
CASES: dict[str, tuple[Behaviour, str, str]] = {
    "good": (_outputs(b"\0" * 8), "nothing", ""),
    "busy": (
        _says({"error": "the queue is full"}, "503 Service Unavailable", "Retry-After: 2\r\n"),
        "Overloaded",
        " 503 2000 the queue is full",
    ),
    "wrong": (_says({"error": "wrong shape"}, "400 Bad Request"), "Rejected", " 400 wrong shape"),
    "page": (_says(b"<html>gone</html>", "404 Not Found"), "Rejected", " 404 <html>gone</html>"),
    "silent": (_says(b"", "500 Internal Server Error"), "ServerFault", " 500 the server says nothing more"),
    "elsewhere": (_says(b"", "302 Found", "Location: /x\r\n"), "ServerError", " 302 the server says nothing more"),
    "no_json": (_says(b"hello"), "UnexpectedAnswer", " the server's answer"),
    "no_outputs": (_says({"outputs": {}}), "UnexpectedAnswer", " it has no outputs"),
    "other_output": (_outputs(b"\0" * 8, name="z"), "UnexpectedAnswer", " it has no output y"),
    "other_type": (_outputs(b"\0" * 8, datatype="INT32"), "UnexpectedAnswer", " its output y is "),
    "other_rank": (_outputs(b"\0" * 8, shape=[1, 2]), "UnexpectedAnswer", " its output y is "),
    "other_length": (_outputs(b"\0" * 12, shape=[3]), "UnexpectedAnswer", " its output y is "),
    "negative": (_outputs(b"", shape=[-1]), "UnexpectedAnswer", " its output y is "),
    "short": (_outputs(b"\0" * 4), "UnexpectedAnswer", ""),
    "long": (_outputs(b"\0" * 8, size=1 << 40), "UnexpectedAnswer", ""),
    "texts": (
        _says({"outputs": [{"name": "y", "datatype": "FP32", "shape": [2], "data": ["a", "b"]}]}),
        "UnexpectedAnswer",
        "",
    ),
    "few": (_says({"outputs": [{"name": "y", "datatype": "FP32", "shape": [2], "data": [1]}]}), "UnexpectedAnswer", ""),
    "broken": (_break_off, "Unreachable", ""),
    "hung_up": (_hang_up, "Unreachable", ""),
    "slow": (slowly, "TimedOut", ""),
}


def _tensor(name: str, datatype: str = "FP32", shape: tuple[int, ...] = (-1,)) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": list(shape)}


def _is(inputs: list[Any], outputs: list[Any] | None = None, digest: str = MANIFEST["digest"]) -> Behaviour:
    """A server of another model, by its metadata."""
    return _says(
        {"inputs": inputs, "outputs": [_tensor("y")] if outputs is None else outputs, "properties": {"digest": digest}}
    )


# What the server has, and what all clients say of it.
MODELS: dict[str, tuple[Behaviour, str]] = {
    "the_one": (_is([_tensor("x")], [_tensor("z"), _tensor("y")]), "nothing"),
    "nothing": (_says({}), "ModelMismatch the server's model has no x of FP32[n] among its inputs"),
    "other_output": (_is([_tensor("x")], []), "ModelMismatch the server's model has no y of FP32[n] among its outputs"),
    "other_type": (_is([_tensor("x", "FP64")]), "ModelMismatch the server's x is "),
    "other_shape": (_is([_tensor("x", shape=(2,))]), "ModelMismatch the server's x is "),
    "input_more": (_is([_tensor("x"), _tensor("z")]), "ModelMismatch the server's model takes "),
    "no_digest": (
        _says({"inputs": [_tensor("x")], "outputs": [_tensor("y")]}),
        "ModelMismatch the server tells no digest of its model",
    ),
    "other_digest": (_is([_tensor("x")], digest="sha256:1"), "ModelMismatch the server's model is "),
    "gone": (_says({"error": "no model"}, "404 Not Found"), "Rejected 404 no model"),
}


@pytest.fixture(scope="module")
def urls() -> Iterator[dict[str, str]]:
    with ExitStack() as stack:
        asked = {name: stack.enter_context(misbehaving(case[0])) for name, case in CASES.items()}
        verified = {f"verify_{name}": stack.enter_context(misbehaving(case[0])) for name, case in MODELS.items()}
        yield asked | {name: f"verify:{url}" for name, url in verified.items()}


def _judge(said: list[str]) -> None:
    expected = {name: kind + rest for name, (_, kind, rest) in CASES.items()}
    expected |= {f"verify_{name}": says for name, (_, says) in MODELS.items()}
    assert len(said) == len(expected), said
    wrong = [
        f"{name}: {line!r} where {start!r} is expected"
        for line, (name, start) in zip(said, expected.items(), strict=True)
        if not line.startswith(start) or line.split()[0] != start.split()[0]
    ]
    assert not wrong, "\n".join(wrong)


def _run(program: list[str], urls: dict[str, str]) -> list[str]:
    done = subprocess.run([*program, *urls.values()], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_in_cpp(urls: dict[str, str], tmp_path: Path) -> None:
    files = write_client(MANIFEST, "cpp", "echo", tmp_path)
    sources = [PROGRAMS / "errors.cc", *[file for file in files if file.suffix == ".cc"]]
    _judge(_run([str(compile_cpp(tmp_path / "errors", sources, tmp_path / "echo"))], urls))


def test_in_java(urls: dict[str, str], tmp_path: Path) -> None:
    files = write_client(MANIFEST, "java", "echo", tmp_path)
    _judge(_run([*compile_java(tmp_path / "classes", [PROGRAMS / "Errors.java", *files]), "Errors"], urls))


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return import_client(MANIFEST, "echo", tmp_path_factory.mktemp("python"))


def test_in_python(urls: dict[str, str], echo: Any) -> None:
    said = []
    for url in urls.values():
        with echo.EchoClient(url.removeprefix("verify:"), encoding="binary", timeout_s=0.7) as client:
            try:
                if url.startswith("verify:"):
                    client.verify()
                else:
                    client.infer(echo.Request(x=np.zeros(2, np.float32)))
                said.append("nothing")
            except echo.ServerError as error:
                after = "" if error.retry_after_s is None else f" {1000 * error.retry_after_s:.0f}"
                said.append(f"{type(error).__name__} {error.status}{after} {error.message}")
            except echo.ClientError as error:
                said.append(f"{type(error).__name__} {error}")
    _judge(said)


def test_nobody_there(echo: Any) -> None:
    with echo.EchoClient("http://127.0.0.1:1") as client:
        assert not client.live()
        assert not client.ready()
        with pytest.raises(echo.Unreachable):
            client.verify()


def test_a_connection_that_the_server_closed_is_opened_again(echo: Any) -> None:
    good = _outputs(b"\0" * 8)

    def once(connection: socket.socket, path: str) -> None:
        good(connection, path)
        connection.shutdown(socket.SHUT_RDWR)

    with misbehaving(once) as url, echo.EchoClient(url, encoding="binary") as client:
        for _ in range(3):
            client.infer(echo.Request(x=np.zeros(2, np.float32)))


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://localhost", "http://"])
def test_an_address_that_is_none(url: str, echo: Any) -> None:
    with pytest.raises(ValueError, match="no address of a server"):
        echo.EchoClient(url)
