"""Points in two rings, one in the other: no line parts them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def generate(config: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """`x`, float32 [samples, 2], and `labels`, 0 within and 1 around.

    Args:
      config: `samples`, their number.
    """
    count = int(config["samples"])
    generator = np.random.default_rng(5)
    labels = np.arange(count, dtype=np.int64) % 2
    angles, radii = generator.uniform(0, 2 * np.pi, count), 1 + labels + generator.normal(0, 0.1, count)
    return {"x": (radii * np.stack([np.cos(angles), np.sin(angles)])).T.astype(np.float32), "labels": labels}
