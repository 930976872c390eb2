"""NNCF: post-training quantization of an ONNX model with its defaults, as in its example for ONNX; of an encoder
with the kind of model that its guide names for it.

Usage: with_nncf.py MODEL.onnx CALIBRATION.npz OUTPUT.onnx cnn|encoder
"""

from __future__ import annotations

import sys

import nncf
import numpy as np
import onnx


def main(model: str, calibration: str, output: str, kind: str) -> None:
    """Quantizes."""
    arrays = dict(np.load(calibration))
    names = [value.name for value in onnx.load(model).graph.input]
    samples = [{name: arrays[name][index : index + 1] for name in names} for index in range(len(arrays[names[0]]))]
    model_type = nncf.ModelType.TRANSFORMER if kind == "encoder" else None
    quantized = nncf.quantize(onnx.load(model), nncf.Dataset(samples), model_type=model_type)
    onnx.save(quantized, output)


if __name__ == "__main__":
    main(*sys.argv[1:])
