"""The clients of the example's ResNet, as lepton_client writes them, ask a real server for 200 digits."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from served import ROOT, model_folder, server
from toolchains import compile_cpp, compile_java

from lepton_rules.plugin import DatasetFile

HERE = Path(__file__).parent
COUNT = 200
_STEP = ROOT / "models" / "resnet" / "resnet_int8_cpu" / "3_onnx.quantize"

Array = np.ndarray[Any, np.dtype[np.float32]]


@pytest.fixture(scope="module")
def digits() -> Array:
    images: Array = DatasetFile(ROOT / "models" / "resnet" / "digits" / "evaluation.npz").arrays()["image"][:COUNT]
    assert len(images) == COUNT
    return images


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = model_folder(_STEP / "model", _STEP / "manifest.json", tmp_path_factory.mktemp("served") / "model")
    with server(folder, "digits") as address:
        yield address


@pytest.fixture(scope="module")
def own(digits: Array) -> dict[int, Array]:
    """What the artifact itself answers, by the size of the batch: kernels may sum in another order for another one."""
    session = onnxruntime.InferenceSession(_STEP / "model" / "model.onnx", providers=["CPUExecutionProvider"])
    return {
        batch: np.concatenate(
            [session.run(None, {"image": digits[start : start + batch]})[0] for start in range(0, COUNT, batch)]
        )
        for batch in (1, 32)
    }


@pytest.fixture(scope="module")
def pixels(digits: Array, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("digits") / "digits.bin"
    path.write_bytes(np.ascontiguousarray(digits, "<f4").tobytes())
    return path


@pytest.fixture(scope="module")
def cpp(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    program = tmp_path_factory.mktemp("cpp") / "digits"
    return [str(compile_cpp(program, [HERE / "programs" / "digits.cc", HERE / "digits_cpp.cc"], ROOT))]


@pytest.fixture(scope="module")
def java(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    sources = [HERE / "programs" / "Digits.java", *sorted((HERE / "org" / "example" / "digits").glob("*.java"))]
    return [*compile_java(tmp_path_factory.mktemp("java"), sources), "Digits"]


@pytest.mark.parametrize(("batch", "encoding"), [(1, "auto"), (32, "json")])
@pytest.mark.parametrize("language", ["cpp", "java"])
def test_a_compiled_client_gets_the_artifacts_own_answers(
    language: str,
    batch: int,
    encoding: str,
    url: str,
    pixels: Path,
    own: dict[int, Array],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    program = request.getfixturevalue(language)
    answers = tmp_path / "answers.bin"
    done = subprocess.run(
        [*program, url, str(pixels), str(answers), str(batch), encoding], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert np.array_equal(np.fromfile(answers, "<f4").reshape(COUNT, 10), own[batch])
    said = done.stdout.splitlines()
    assert said[0] == "live 1, ready 1"
    assert [line.partition(": ")[0] for line in said[1:]] == ["InvalidTensor", "Rejected", "Unreachable"]
    assert said[2] == "Rejected: there is no model 'nobody', here is 'digits' (status 404)"


@pytest.mark.parametrize("encoding", ["auto", "binary", "json"])
def test_the_python_client_gets_the_artifacts_own_answers(
    encoding: Any, url: str, digits: Array, own: dict[int, Array]
) -> None:
    from digits_python import DigitsClient, Request

    with DigitsClient(url, encoding=encoding) as client:
        assert client.live()
        assert client.ready()
        client.verify()
        for batch, expected in own.items():
            answers = [
                client.infer(Request(image=digits[start : start + batch])).logits for start in range(0, COUNT, batch)
            ]
            assert np.array_equal(np.concatenate(answers), expected)


@pytest.mark.parametrize("compression", [None, "gzip", "deflate"])
@pytest.mark.parametrize("binary", [True, False])
def test_tritonclient_works_unchanged(
    binary: bool, compression: str | None, url: str, digits: Array, own: dict[int, Array]
) -> None:
    import tritonclient.http as triton

    client = triton.InferenceServerClient(url.removeprefix("http://"))
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("digits")
    assert client.get_model_metadata("digits")["inputs"][0]["shape"] == [-1, 1, 16, 16]
    answers = []
    for start in range(0, COUNT, 32):
        images = digits[start : start + 32]
        tensor = triton.InferInput("image", list(images.shape), "FP32")
        tensor.set_data_from_numpy(images, binary_data=binary)
        result = client.infer(
            "digits",
            [tensor],
            outputs=[triton.InferRequestedOutput("logits", binary_data=binary)],
            request_compression_algorithm=compression,
            response_compression_algorithm=compression,
        )
        answers.append(result.as_numpy("logits"))
    assert np.array_equal(np.concatenate(answers), own[32])
    client.close()
