"""The same over gRPC, with tritonclient's client and with bare messages."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import harness
import numpy as np
import pytest
from harness import SLOW, Server, serving
from lepton_server.datatypes import DATATYPES
from lepton_server.rpc import open_inference_pb2 as messages
from onnx import helper

from lepton_rules.plugin import TensorSpec

EDGES: dict[str, list[Any]] = {
    **{dtype: [np.iinfo(dtype).min, np.iinfo(dtype).max] for dtype in DATATYPES if "int" in dtype},
    "bool": [True, False],
    "float16": [-65504.0, 0.5],
    "float32": [-1.5, 0.25],
    "float64": [1e-300, 1.5],
    "str": ["", "ümläut"],
}


def free_port() -> int:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def serving_grpc(model: Path, *flags: str) -> Iterator[tuple[Server, Any]]:
    port = free_port()
    with serving(model, f"--grpc_port={port}", *flags) as server, grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield (
            server,
            lambda name, request, **named: channel.unary_unary(
                f"/inference.GRPCInferenceService/{name}",
                request_serializer=type(request).SerializeToString,
                response_deserializer=getattr(messages, name + "Response").FromString,
            )(request, timeout=30, **named),
        )


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Any]]:
    """A model that gives back an input of every type."""
    inputs = [TensorSpec(f"in_{dtype}", dtype, ("batch",)) for dtype in DATATYPES]
    outputs = [TensorSpec(f"out_{dtype}", dtype, ("batch",)) for dtype in DATATYPES]
    nodes = [helper.make_node("Identity", [f"in_{dtype}"], [f"out_{dtype}"]) for dtype in DATATYPES]
    model = harness.onnx_model(tmp_path_factory.mktemp("types"), nodes, inputs, outputs)
    with serving_grpc(model, "--max_body_bytes=100000") as both:
        yield both


def request(**changed: Any) -> Any:
    asked = messages.ModelInferRequest(model_name="m", id="7")
    for dtype, values in EDGES.items():
        asked.inputs.add(name=f"in_{dtype}", datatype=DATATYPES[dtype], shape=[len(values)])
        texts = [text.encode() for text in values] if dtype == "str" else []
        raw = b"".join(len(text).to_bytes(4, "little") + text for text in texts)
        asked.raw_input_contents.append(raw if dtype == "str" else np.array(values, dtype).tobytes())
    for key, value in changed.items():
        setattr(asked, key, value)
    return asked


def test_every_type(served: tuple[Server, Any]) -> None:
    server, call = served
    asked = request()
    answer = call("ModelInfer", asked)
    assert (answer.model_name, answer.model_version, answer.id) == ("m", "1", "7")
    by_name = dict(zip([output.name for output in answer.outputs], answer.raw_output_contents, strict=True))
    for given, raw in zip(asked.inputs, asked.raw_input_contents, strict=True):
        assert by_name[given.name.replace("in_", "out_")] == raw
    assert server.ask("GET", "/v2/models/m").json()["name"] == "m"


def test_fields_of_the_type(tmp_path: Path) -> None:
    with serving_grpc(harness.double(tmp_path)) as (_, call):
        asked = messages.ModelInferRequest(model_name="m", model_version="1")
        asked.inputs.add(name="x", datatype="FP32", shape=[1, 4]).contents.fp32_contents.extend([1, 2, 3, 4])
        assert list(call("ModelInfer", asked).outputs[0].contents.fp32_contents) == [2, 4, 6, 8]


def test_health_and_metadata(served: tuple[Server, Any]) -> None:
    _, call = served
    assert call("ServerLive", messages.ServerLiveRequest()).live
    assert call("ServerReady", messages.ServerReadyRequest()).ready
    assert call("ModelReady", messages.ModelReadyRequest(name="m")).ready
    assert call("ServerMetadata", messages.ServerMetadataRequest()).name == "lepton_server"
    metadata = call("ModelMetadata", messages.ModelMetadataRequest(name="m", version="1"))
    assert list(metadata.versions) == ["1"]
    assert [tensor.datatype for tensor in metadata.inputs] == list(DATATYPES.values())
    assert list(metadata.inputs[0].shape) == [-1]


def bad_shape(asked: Any) -> None:
    asked.inputs[0].shape[0] = -1


def too_short(asked: Any) -> None:
    asked.raw_input_contents[3] = b"\0"


def too_few(asked: Any) -> None:
    del asked.raw_input_contents[0]


def unknown_output(asked: Any) -> None:
    asked.outputs.add(name="z")


def both(asked: Any) -> None:
    asked.inputs[0].contents.bool_contents.append(True)


def other_type(asked: Any) -> None:
    asked.inputs[0].datatype = "FP64"


def other_model(asked: Any) -> None:
    asked.model_name = "other"


def other_version(asked: Any) -> None:
    asked.model_version = "2"


def too_large(asked: Any) -> None:
    asked.raw_input_contents[0] = b"\0" * 300_000


@pytest.mark.parametrize(
    ("change", "code"),
    [
        *((change, "INVALID_ARGUMENT") for change in (bad_shape, too_short, too_few, unknown_output, both, other_type)),
        (other_model, "NOT_FOUND"),
        (other_version, "NOT_FOUND"),
        (too_large, "RESOURCE_EXHAUSTED"),
    ],
)
def test_what_does_not_fit(served: tuple[Server, Any], change: Any, code: str) -> None:
    server, call = served
    asked = request()
    change(asked)
    with pytest.raises(grpc.RpcError) as caught:
        call("ModelInfer", asked)
    assert caught.value.code().name == code
    assert server.healthy()
    call("ModelInfer", request())


def test_a_full_queue_and_a_drain(tmp_path: Path) -> None:
    with serving_grpc(harness.slow(tmp_path), *SLOW, "--queue=1") as (server, call):

        def ask(seconds: float) -> Any:
            asked = messages.ModelInferRequest(model_name="m")
            asked.inputs.add(name="seconds", datatype="FP64", shape=[1]).contents.fp64_contents.append(seconds)
            return call("ModelInfer", asked)

        slept: list[float] = []
        threads = [threading.Thread(target=lambda: slept.append(ask(0.5).outputs[0].shape[0])) for _ in range(2)]
        for thread in threads:
            thread.start()
            time.sleep(0.2)
        with pytest.raises(grpc.RpcError) as caught:
            ask(0.1)
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
        assert dict(caught.value.trailing_metadata())["retry-after"] == "1"
        server.signal()
        for thread in threads:
            thread.join()
        assert slept == [1, 1]
        assert server.exit_code(5) == 0


def test_a_drain_that_is_too_short(tmp_path: Path) -> None:
    """It is one drain for HTTP and gRPC: nobody new gets in, and its time is not had twice."""
    with serving_grpc(harness.slow(tmp_path), *SLOW, "--drain_s=1") as (server, call):
        asked = messages.ModelInferRequest(model_name="m")
        asked.inputs.add(name="seconds", datatype="FP64", shape=[1]).contents.fp64_contents.append(20)
        errors: list[grpc.RpcError] = []

        def ask() -> None:
            try:
                call("ModelInfer", asked)
            except grpc.RpcError as error:
                errors.append(error)

        with ThreadPoolExecutor(2) as pool:
            pool.submit(ask)
            pool.submit(server.infer, harness.asleep(20))
            time.sleep(0.3)
            server.signal()
            server.wait_for("draining")
            time.sleep(0.4)
            with pytest.raises(grpc.RpcError):
                call("ServerReady", messages.ServerReadyRequest())
            start = time.monotonic()
            assert server.exit_code(5) == 1
            assert time.monotonic() - start < 1.5
        assert server.wait_for("stopped")["abandoned"] == 2
        assert len(errors) == 1


def test_tritonclient(tmp_path: Path) -> None:
    """In a process of its own: its messages have the names of ours."""
    with serving_grpc(harness.double(tmp_path), "--log_level=debug") as (server, _):
        port = next(entry["port"] for entry in server.logs if entry["event"] == "listening for gRPC")
        program = f"""
import numpy as np, tritonclient.grpc as triton
client = triton.InferenceServerClient("127.0.0.1:{port}")
assert client.is_server_ready() and client.is_model_ready("m")
x = np.arange(8, dtype=np.float32).reshape(2, 4)
image = triton.InferInput("x", x.shape, "FP32")
image.set_data_from_numpy(x)
assert np.array_equal(client.infer("m", [image], request_id="7").as_numpy("y"), x * 2)
"""
        subprocess.run([sys.executable, "-c", program], check=True)
        assert server.wait_for("request")["id"] == "7"


def test_the_generated_module_is_what_the_description_says(tmp_path: Path) -> None:
    """Where not: the command in open_inference.proto mends it."""
    folder = harness.ROOT / "server/lepton_server/rpc"
    shutil.copy(folder / "open_inference.proto", tmp_path)
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{tmp_path}", f"--python_out={tmp_path}"]
    subprocess.run([*command, "open_inference.proto"], check=True)
    made = (tmp_path / "open_inference_pb2.py").read_text("utf-8")
    assert made == (folder / "open_inference_pb2.py").read_text("utf-8")
