"""Optimum-ONNX: static quantization with its configuration for AVX512-VNNI, as in its guide; of an encoder dynamic
quantization, as its guide does it.

Usage: with_optimum.py MODEL.onnx CALIBRATION.npz OUTPUT.onnx cnn|encoder
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
from datasets import Dataset
from optimum.onnxruntime import ORTQuantizer
from optimum.onnxruntime.configuration import AutoCalibrationConfig, AutoQuantizationConfig


def main(model: str, calibration: str, output: str, kind: str) -> None:
    """Quantizes."""
    quantizer = ORTQuantizer(Path(model))
    with tempfile.TemporaryDirectory() as scratch:
        if kind == "encoder":
            config, ranges = AutoQuantizationConfig.avx512_vnni(is_static=False, per_channel=False), None
        else:
            config = AutoQuantizationConfig.avx512_vnni(is_static=True)
            dataset = _dataset(model, calibration)
            ranges = quantizer.fit(
                dataset,
                AutoCalibrationConfig.minmax(dataset),
                onnx_augmented_model_name=f"{scratch}/augmented.onnx",
                operators_to_quantize=config.operators_to_quantize,
            )
        quantizer.quantize(config, f"{scratch}/quantized", calibration_tensors_range=ranges)
        (made,) = Path(scratch, "quantized").glob("*.onnx")
        shutil.move(made, output)


def _dataset(model: str, calibration: str) -> Dataset:
    arrays = dict(np.load(calibration))
    names = [value.name for value in onnx.load(model, load_external_data=False).graph.input]
    return Dataset.from_dict({name: list(arrays[name]) for name in names}).with_format("np")


if __name__ == "__main__":
    main(*sys.argv[1:])
