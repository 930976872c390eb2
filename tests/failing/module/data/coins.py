"""A dataset: which side of a coin is up, and how one says it."""

from collections.abc import Mapping
from typing import Any

import numpy


def tosses(config: Mapping[str, Any]) -> dict[str, Any]:
    """`count` tosses: `x` float32 [count, 2], one-hot, and `labels` int64 [count]."""
    labels = numpy.arange(config["count"], dtype=numpy.int64) % 2
    return {"x": numpy.eye(2, dtype=numpy.float32)[labels], "labels": labels}
