"""One ResNet-18 that came in as a PyTorch module, a Keras file and an ONNX file: three artifacts, one function."""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

IMPORTERS = {"resnet_fp32_cpu": "torch.pytorch", "resnet_keras_cpu": "keras.keras", "resnet_onnx_cpu": "onnx.onnx"}


def _only(name: str, file: str) -> Path:
    """The file of an artifact among the test's own: directories of models are links there."""
    found = [Path(folder) / file for folder, _, files in os.walk(".", followlinks=True) if file in files]
    (path,) = (path for path in found if name in path.parts)
    return path


@pytest.fixture(scope="module")
def outputs() -> dict[str, Any]:
    """The logits that each artifact gives for the same images."""
    images = np.random.default_rng(11).uniform(-1, 1, (16, 1, 16, 16)).astype(np.float32)
    found = {}
    for name in IMPORTERS:
        session = onnxruntime.InferenceSession(str(_only(name, "model.onnx")), providers=["CPUExecutionProvider"])
        found[name] = session.run(["logits"], {"image": images})[0]
    return found


@pytest.mark.parametrize("name", IMPORTERS)
def test_each_came_by_its_own_importer(name: str) -> None:
    manifest = json.loads(_only(name, "manifest.json").read_text())
    assert manifest["steps"][0]["pass"] == IMPORTERS[name]
    assert manifest["inputs"] == [{"name": "image", "dtype": "float32", "shape": ["batch", 1, 16, 16]}]
    assert manifest["outputs"] == [{"name": "logits", "dtype": "float32", "shape": ["batch", 10]}]


@pytest.mark.parametrize("pair", list(itertools.combinations(IMPORTERS, 2)), ids="-".join)
def test_outputs_agree(pair: tuple[str, str], outputs: dict[str, Any]) -> None:
    one, other = (outputs[name] for name in pair)
    assert one.shape == (16, 10) and np.abs(one).max() > 1
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-4)
