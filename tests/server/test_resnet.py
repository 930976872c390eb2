"""The int8 ResNet as it is built: its own answers, little memory, a fast start."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import harness
import numpy as np
import pytest
import tritonclient.http as triton
from harness import Server, serving

from lepton_rules import manifest as manifests
from lepton_rules.plugin import LeptonError, ModelDirectory, RuntimeContext

_MEMORY = 256 << 20


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> harness.Path:
    built = harness.artifact("resnet_int8_cpu")
    if built is None:
        pytest.skip("//models:resnet_int8_cpu is not built")
    return harness.assemble(built, tmp_path_factory.mktemp("resnet"))


@pytest.fixture(scope="module")
def server(model: harness.Path) -> Iterator[Server]:
    with serving(model, "--threads=1", "--max_batch=8", "--max_body_bytes=4194304", ready=False) as running:
        running.port = running.wait_for("listening")["port"]
        while not any(entry["event"] == "ready" for entry in running.logs):
            if running.process.poll() is not None:
                pytest.skip(f"this machine does not run it: {running.logs[-1]['event']}")
            time.sleep(0.02)
        yield running


def images(count: int) -> np.ndarray:
    return np.random.default_rng(1).random((count, 1, 16, 16)).astype(np.float32)


def ask(server: Server, batch: np.ndarray) -> np.ndarray:
    with triton.InferenceServerClient(f"127.0.0.1:{server.port}") as client:
        image = triton.InferInput("image", batch.shape, "FP32")
        image.set_data_from_numpy(batch)
        return client.infer("m", [image]).as_numpy("logits")


def test_its_answers_are_the_artifact_s(server: Server, model: harness.Path) -> None:
    from lepton_plugin_onnxruntime.config import RuntimeConfig
    from lepton_plugin_onnxruntime.runtime import OnnxRuntime

    directory = ModelDirectory(model, manifests.read(model / "manifest.json"))
    try:
        runtime = OnnxRuntime(RuntimeContext(label="m", config=RuntimeConfig(), model=directory, hardware=None))
    except LeptonError as error:
        pytest.skip(str(error))
    batch = images(200)
    direct = np.concatenate([runtime.run({"image": image[None]})["logits"] for image in batch])
    with ThreadPoolExecutor(4) as pool:
        served = np.concatenate(list(pool.map(lambda image: ask(server, image[None]), batch)))
    assert np.array_equal(served.argmax(1), direct.argmax(1))
    np.testing.assert_allclose(served, direct, rtol=0, atol=1e-5)
    np.testing.assert_allclose(ask(server, batch), direct, rtol=0, atol=1e-5)


def test_its_memory(server: Server) -> None:
    """256 MB hold it, also while large batches come."""
    large = images(500)
    with ThreadPoolExecutor(4) as pool:
        assert {len(each) for each in pool.map(lambda _: ask(server, large), range(3))} == {500}
    assert server.resident_bytes(peak=True) < _MEMORY


def test_its_start(server: Server) -> None:
    """Generous here; tests/bench has the bar."""
    assert server.wait_for("ready")["seconds"] < 10
