"""Images of short strokes among noise, for a network that learns in a second."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIZE = 8


def generate(config: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Strokes that are level, upright, or slanted either way.

    Args:
      config: `samples`, their number.

    Returns:
      `image`, float32 [samples, 1, 8, 8]; `labels`, int64 [samples], from 0 to 3.
    """
    count = int(config["samples"])
    generator = np.random.default_rng(8)
    labels = np.arange(count, dtype=np.int64) % 4
    image = generator.normal(0, 0.5, (count, 1, SIZE, SIZE)).astype(np.float32)
    down, across = np.array([0, 1, 1, 1])[labels], np.array([1, 0, 1, -1])[labels]
    rows, columns = generator.integers(1, SIZE - 1, (2, count))
    for step in (-1, 0, 1):
        image[np.arange(count), 0, rows + step * down, columns + step * across] += 2
    return {"image": image, "labels": labels}
