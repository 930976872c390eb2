"""tritonclient's HTTP client works as it comes."""

from __future__ import annotations

from collections.abc import Iterator

import harness
import numpy as np
import pytest
import tritonclient.http as triton
from harness import Server, serving
from onnx import helper
from tritonclient.utils import InferenceServerException

from lepton_rules.plugin import TensorSpec


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`scaled = image * 2`, `names = names`."""
    image, names = TensorSpec("image", "float32", ("batch", 16, 32)), TensorSpec("names", "str", ("batch",))
    outputs = [TensorSpec("scaled", "float32", ("batch", 16, 32)), TensorSpec("same", "str", ("batch",))]
    nodes = [helper.make_node("Add", ["image", "image"], ["scaled"]), helper.make_node("Identity", ["names"], ["same"])]
    with serving(harness.onnx_model(tmp_path_factory.mktemp("m"), nodes, [image, names], outputs)) as running:
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[triton.InferenceServerClient]:
    with triton.InferenceServerClient(f"127.0.0.1:{server.port}") as client:
        yield client


def inputs(binary: bool) -> tuple[list[triton.InferInput], np.ndarray, np.ndarray]:
    image = np.random.default_rng(0).normal(size=(3, 16, 32)).astype(np.float32)
    names = np.array(["one", "zwei", "trois é"], object)
    tensors = [triton.InferInput("image", image.shape, "FP32"), triton.InferInput("names", names.shape, "BYTES")]
    tensors[0].set_data_from_numpy(image, binary_data=binary)
    tensors[1].set_data_from_numpy(names, binary_data=binary)
    return tensors, image, names


@pytest.mark.parametrize("binary_in", [False, True])
@pytest.mark.parametrize("binary_out", [False, True, None])
@pytest.mark.parametrize("compression", [None, "gzip", "deflate"])
def test_infer(
    client: triton.InferenceServerClient, binary_in: bool, binary_out: bool | None, compression: str | None
) -> None:
    tensors, image, names = inputs(binary_in)
    wanted = None
    if binary_out is not None:
        wanted = [triton.InferRequestedOutput(name, binary_data=binary_out) for name in ("same", "scaled")]
    result = client.infer(
        "m",
        tensors,
        model_version="1",
        outputs=wanted,
        request_id="42",
        request_compression_algorithm=compression,
        response_compression_algorithm=compression,
    )
    assert np.array_equal(result.as_numpy("scaled"), image * 2)
    same = [text.decode() if isinstance(text, bytes) else text for text in result.as_numpy("same").tolist()]
    assert same == names.tolist()
    assert result.get_response()["id"] == "42"


def test_answers_are_compressed_where_that_is_asked(server: Server) -> None:
    tensors, _, _ = inputs(True)
    body, length = triton.InferenceServerClient.generate_request_body(tensors)
    headers = {"Inference-Header-Content-Length": str(length)}
    plain = server.infer(body, headers)
    assert "content-encoding" not in plain.headers
    for accepted, encoding in {
        "gzip": "gzip",
        "deflate": "deflate",
        "br, gzip;q=0.5": "gzip",
        "gzip;q=0": None,
    }.items():
        answer = server.infer(body, headers | {"Accept-Encoding": accepted})
        assert answer.headers.get("content-encoding") == encoding


def test_many_at_once(client: triton.InferenceServerClient, server: Server) -> None:
    tensors, image, _ = inputs(True)
    with triton.InferenceServerClient(f"127.0.0.1:{server.port}", concurrency=8) as many:
        asked = [many.async_infer("m", tensors) for _ in range(64)]
        for one in asked:
            assert np.array_equal(one.get_result().as_numpy("scaled"), image * 2)


def test_what_the_client_asks_besides(client: triton.InferenceServerClient) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("m")
    assert client.is_model_ready("m", "1")
    assert not client.is_model_ready("other")
    assert client.get_server_metadata()["name"] == "lepton_server"
    metadata = client.get_model_metadata("m", "1")
    assert metadata["inputs"][1] == {"name": "names", "datatype": "BYTES", "shape": [-1]}
    config = client.get_model_config("m")
    assert config["max_batch_size"] == 1
    assert config["input"] == [
        {"name": "image", "data_type": "TYPE_FP32", "dims": [16, 32]},
        {"name": "names", "data_type": "TYPE_STRING", "dims": []},
    ]


def test_errors_reach_the_user(client: triton.InferenceServerClient) -> None:
    tensors, _, _ = inputs(True)
    with pytest.raises(InferenceServerException, match="no model 'other'"):
        client.infer("other", tensors)
    with pytest.raises(InferenceServerException, match="'names' is missing"):
        client.infer("m", tensors[:1])
