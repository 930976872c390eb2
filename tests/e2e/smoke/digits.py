"""The handwritten digits that come with scikit-learn: 1,797 scans, flat, for a network without convolutions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits  # type: ignore[import-untyped]  # scikit-learn has no types

_GREY_LEVELS = 16.0


def generate(config: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Every scan: `pixels`, float32 [1797, 64] between 0 (paper) and 1 (ink), and `labels`, int64 [1797]."""
    scans, labels = load_digits(return_X_y=True)
    return {"pixels": (scans / _GREY_LEVELS).astype(np.float32), "labels": labels.astype(np.int64)}
