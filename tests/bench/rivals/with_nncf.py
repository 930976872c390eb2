"""NNCF: post-training quantization of an ONNX model with its defaults, as in its example for ONNX.

Usage: with_nncf.py MODEL.onnx CALIBRATION.npz OUTPUT.onnx
"""

from __future__ import annotations

import sys

import nncf
import numpy as np
import onnx


def main(model: str, calibration: str, output: str) -> None:
    """Quantizes."""
    arrays = dict(np.load(calibration))
    names = [value.name for value in onnx.load(model).graph.input]
    samples = [{name: arrays[name][index : index + 1] for name in names} for index in range(len(arrays[names[0]]))]
    quantized = nncf.quantize(onnx.load(model), nncf.Dataset(samples))
    onnx.save(quantized, output)


if __name__ == "__main__":
    main(*sys.argv[1:])
