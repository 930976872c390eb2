"""Digits of seven segments, as the camera of a meter sees them: drawn, so that the module needs no data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

_HEIGHT, _WIDTH = 12, 8
_DIGIT_HEIGHT, _DIGIT_WIDTH = 9, 5

# Where each segment is, and the segments of each digit.
_SEGMENTS = {
    "a": np.s_[0, 1:4],
    "b": np.s_[1:4, 4],
    "c": np.s_[5:8, 4],
    "d": np.s_[8, 1:4],
    "e": np.s_[5:8, 0],
    "f": np.s_[1:4, 0],
    "g": np.s_[4, 1:4],
}
_DIGITS = ("abcdef", "bc", "abdeg", "abcdg", "bcfg", "acdfg", "acdefg", "abc", "abcdefg", "abcdfg")


def generate(config: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Pictures with dirt and noise, each digit somewhere in its picture.

    Args:
      config: `samples`, how many; `seed`, of the generator.

    Returns:
      `image`, float32 [samples, 1, 12, 8], about 0 where it is dark and 1 where it is lit; `labels`, int64 [samples].
    """
    random = np.random.default_rng(config["seed"])
    labels = random.integers(0, len(_DIGITS), config["samples"])
    images = random.normal(0.1, 0.08, (len(labels), 1, _HEIGHT, _WIDTH))
    for image, label in zip(images[:, 0], labels, strict=True):
        top = random.integers(_HEIGHT - _DIGIT_HEIGHT + 1)
        left = random.integers(_WIDTH - _DIGIT_WIDTH + 1)
        digit = image[top : top + _DIGIT_HEIGHT, left : left + _DIGIT_WIDTH]
        for segment in _DIGITS[label]:
            digit[_SEGMENTS[segment]] += random.uniform(0.6, 1.0)
    return {"image": images.astype(np.float32), "labels": labels}
