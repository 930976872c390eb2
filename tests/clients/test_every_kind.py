"""Every type travels, there and back, in every language and encoding, through a real server."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import every_kind
import numpy as np
import pytest
from served import server
from toolchains import compile_cpp, compile_java
from writing_clients import import_client, write_client

PROGRAMS = Path(__file__).parent / "programs"


class Echo:
    """A model that is served, and its manifest."""

    def __init__(self, url: str, manifest: Any) -> None:
        self.url, self.manifest = url, manifest


def _served(name: str, echoes: Any, folder: Path) -> Iterator[Echo]:
    manifest = every_kind.write(folder / "model", echoes)
    with server(folder / "model", name) as url:
        yield Echo(url, manifest)


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Echo]:
    yield from _served("every", every_kind.PLAIN, tmp_path_factory.mktemp("every"))


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Echo]:
    yield from _served("halves", every_kind.HALVES, tmp_path_factory.mktemp("halves"))


def _cpp(echo: Echo, name: str, folder: Path) -> list[str]:
    files = write_client(echo.manifest, "cpp", name, folder)
    sources = [PROGRAMS / f"{name}.cc", *[file for file in files if file.suffix == ".cc"]]
    return [str(compile_cpp(folder / "program", sources, folder / name))]


@pytest.fixture(scope="module")
def cpp(every: Echo, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return _cpp(every, "every", tmp_path_factory.mktemp("cpp"))


@pytest.fixture(scope="module")
def java(every: Echo, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("java")
    files = write_client(every.manifest, "java", "every", folder)
    return [*compile_java(folder / "classes", [PROGRAMS / "Every.java", *files]), "Every"]


@pytest.mark.parametrize("encoding", ["binary", "json"])
@pytest.mark.parametrize("language", ["cpp", "java"])
def test_a_compiled_client(language: str, encoding: str, every: Echo, request: pytest.FixtureRequest) -> None:
    program = request.getfixturevalue(language)
    done = subprocess.run([*program, every.url, encoding], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("bytes ")


def test_halves_in_cpp(halves: Echo, tmp_path: Path) -> None:
    done = subprocess.run([*_cpp(halves, "halves", tmp_path), halves.url], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def python(every: Echo, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return import_client(every.manifest, "every", tmp_path_factory.mktemp("python"))


def _ends(dtype: str) -> np.ndarray[Any, Any]:
    return np.array([np.iinfo(dtype).min, np.iinfo(dtype).max], dtype)


def _request(python: Any) -> Any:
    return python.Request(
        class_=np.array([[1.5, -0.0], [3e38, 1e-45]], np.float32),
        input_1=_ends("int64").reshape(2, 1),
        input_1_2=np.array([False, True]),
        words_0=np.array(['é "\\\n', ""], object),
        bytes=np.array([[0, 1, 127, 128], [200, 254, 255, 3]], np.uint8),
        signed=_ends("int8"),
        short=_ends("int16"),
        int_=_ends("int32"),
        ushort=_ends("uint16"),
        uint=_ends("uint32"),
        huge=_ends("uint64")[1:],
        sum=np.array([[1e300, -1e-300], [0.1, 3]]),
    )


@pytest.mark.parametrize("encoding", ["binary", "json"])
def test_the_python_client(encoding: str, every: Echo, python: Any) -> None:
    request = _request(python)
    with python.EveryClient(every.url, encoding=encoding) as client:
        client.verify()
        response = client.infer(request)
    for sent, came in zip(vars(request).values(), vars(response).values(), strict=True):
        assert came.dtype == sent.dtype
        assert np.array_equal(came, sent)


def test_other_layouts_of_memory_are_sent_as_what_they_hold(every: Echo, python: Any) -> None:
    request = _request(python)
    changed = vars(request) | {
        "class_": np.asfortranarray(request.class_),
        "sum": request.sum.astype(">f8"),
        "bytes": np.repeat(request.bytes, 2, axis=1)[:, ::2],
    }
    with python.EveryClient(every.url) as client:
        response = client.infer(python.Request(**changed))
    assert np.array_equal(response.class_, request.class_)
    assert np.array_equal(response.bytes, request.bytes)
    assert np.array_equal(response.request, request.sum)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("bytes", np.zeros((3, 4), np.uint8), "bytes is uint8[3, 4]; it must be UINT8[batch, 4]; here batch = 2"),
        ("class_", np.zeros((2, 2)), "class is float64[2, 2]; it must be FP32[batch, 2] (float32)"),
        ("words_0", np.array(["a", 1], object), "words:0 holds a int; it must hold texts"),
        ("input_1_2", [True, False], "input_1 is a list; it must be a numpy array BOOL[batch]"),
    ],
)
def test_what_does_not_fit_is_not_sent(field: str, value: Any, says: str, every: Echo, python: Any) -> None:
    request = python.Request(**vars(_request(python)) | {field: value})
    with python.EveryClient(every.url) as client, pytest.raises(python.InvalidTensor) as raised:
        client.infer(request)
    assert str(raised.value).startswith(says)


def test_json_carries_no_nan(every: Echo, python: Any) -> None:
    request = python.Request(**vars(_request(python)) | {"sum": np.full((2, 2), np.nan)})
    with python.EveryClient(every.url) as client:
        assert np.isnan(client.infer(request).request).all()
    with python.EveryClient(every.url, encoding="json") as client, pytest.raises(python.InvalidTensor) as raised:
        client.infer(request)
    assert str(raised.value) == "sum has values that are not finite, which JSON cannot carry"


def test_another_model_is_told(every: Echo, halves: Echo, python: Any) -> None:
    with python.EveryClient(halves.url, model_name="halves") as client, pytest.raises(python.ModelMismatch) as raised:
        client.verify()
    assert str(raised.value) == "the server's model has no class of FP32[batch, 2] among its inputs"
