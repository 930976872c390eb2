"""The handwritten digits that come with scikit-learn, as a dataset.

Alpaydin and Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository (1998),
https://doi.org/10.24432/C50P49: 1,797 real scans of 8x8 pixels with 17 grey levels. They lie in scikit-learn's own
distribution, so making this dataset needs no download.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits  # type: ignore[import-untyped]  # scikit-learn has no types

SCAN = 8
GREY_LEVELS = 16.0


def _upsampling(size: int) -> NDArray[np.float64]:
    """The [size, SCAN] matrix of a linear interpolation: pixels are areas (corners not aligned), edges are repeated."""
    matrix = np.zeros((size, SCAN))
    for row in range(size):
        place = min(max((row + 0.5) * SCAN / size - 0.5, 0.0), SCAN - 1.0)
        left = min(int(place), SCAN - 2)
        matrix[row, left] = 1.0 - (place - left)
        matrix[row, left + 1] = place - left
    return matrix


def generate(config: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Every scan, upsampled.

    Args:
      config: `size`, the side of an image in pixels: 16 (default) or 32. `channels`, 1 (default) or 3 equal ones.

    Returns:
      `image`, float32 [1797, channels, size, size] between -1 (paper) and 1 (ink); `labels`, int64 [1797].
    """
    config = dict(config)
    size = int(config.pop("size", 16))
    channels = int(config.pop("channels", 1))
    if config:
        raise ValueError(f"unknown configuration {sorted(config)}; known are size, channels")
    scans, labels = load_digits(return_X_y=True)
    matrix = _upsampling(size)
    images = matrix @ (scans.reshape(-1, SCAN, SCAN) / GREY_LEVELS * 2.0 - 1.0) @ matrix.T
    return {
        "image": np.repeat(images[:, None].astype(np.float32), channels, axis=1),
        "labels": labels.astype(np.int64),
    }
