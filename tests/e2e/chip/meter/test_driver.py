"""The driver runs what was built for its chip, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from lepton_plugin_npu.driver import Driver

from lepton_rules.plugin import DatasetFile, LeptonError, ModelDirectory, RuntimeContext

_HERE = Path(__file__).parent


def _context(artifact: str, last: str) -> RuntimeContext:
    (path,) = _HERE.glob(f"{artifact}/*_{last}/manifest.json")
    model = ModelDirectory(path=path.parent / "model", manifest=json.loads(path.read_text("utf-8")))
    return RuntimeContext(label="//meter:meter_test", config=None, model=model, hardware=None)


def test_it_answers_a_batch_as_it_answers_each_sample() -> None:
    driver = Driver(_context("meter_int8_npu", "npu.compile"))
    images = DatasetFile(_HERE / "evaluation" / "evaluation.npz").arrays()["image"][:5]
    (together,) = driver.run({"image": images}).values()
    alone = [driver.run({"image": image[None]})["logits"][0] for image in images]
    driver.close()
    assert together.dtype == np.float32
    assert np.array_equal(together, alone)


def test_it_refuses_the_artifact_for_the_cpu() -> None:
    with pytest.raises(LeptonError) as caught:
        Driver(_context("meter_int8_cpu", "onnx.quantize"))
    assert str(caught.value) == (
        "lepton: runtime npu.driver: the model is onnx for cpu, and the chip runs its own programs. "
        "Build the artifact with the hardware of the plugin npu."
    )
