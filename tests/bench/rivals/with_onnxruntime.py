"""onnxruntime's own quantizer, called by hand with the settings of `onnx.quantize` for a CPU with VNNI.

Usage: with_onnxruntime.py MODEL.onnx CALIBRATION.npz OUTPUT.onnx [SAMPLES AT A TIME]

Prints the seconds that the call took.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static


class _Reader(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    def __init__(self, path: str, names: list[str], step: int) -> None:
        arrays = dict(np.load(path))
        count = len(arrays[names[0]])
        self._feeds = iter(
            [{name: arrays[name][start : start + step] for name in names} for start in range(0, count, step)]
        )

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._feeds, None)


def main(model: str, calibration: str, output: str, step: str = "1") -> None:
    """Quantizes."""
    names = [value.name for value in onnx.load(model, load_external_data=False).graph.input]
    start = time.perf_counter()
    quantize_static(
        model,
        output,
        _Reader(calibration, names, int(step)),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax,
    )
    print(time.perf_counter() - start)


if __name__ == "__main__":
    main(*sys.argv[1:])
