"""The example's data: real scans, and splits that hold the evaluation out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from digits import generate
from sklearn.datasets import load_digits  # type: ignore[import-untyped]  # scikit-learn has no types

SPLITS = Path(__file__).resolve().parents[2] / "models" / "resnet" / "splits.json"


def test_splits() -> None:
    splits = json.loads(SPLITS.read_text())
    labels = load_digits().target
    assert sorted(splits) == ["calibration", "evaluation", "train"]
    assert sorted(splits["train"] + splits["evaluation"]) == list(range(1797))
    assert len(splits["evaluation"]) >= 797
    assert set(splits["calibration"]) <= set(splits["train"])
    for name, indices in splits.items():
        counts = np.bincount(labels[indices], minlength=10)
        shares = counts / len(indices)
        assert np.abs(shares - np.bincount(labels) / 1797).max() < 0.01, name


@pytest.mark.parametrize(("size", "channels"), [(16, 1), (32, 3)])
def test_images(size: int, channels: int) -> None:
    arrays = generate({"size": str(size), "channels": channels})
    images, labels = arrays["image"], arrays["labels"]
    scans = load_digits()
    assert images.shape == (1797, channels, size, size) and images.dtype == np.float32
    assert labels.dtype == np.int64 and labels.tolist() == scans.target.tolist()
    assert -1 <= images.min() < -0.9 and 0.9 < images.max() <= 1
    # Averaged back to 8x8, linear interpolation has blurred the scan and moved nothing.
    factor = size // 8
    small = images[:, 0].reshape(-1, 8, factor, 8, factor).mean((2, 4))
    wanted = scans.images / 8 - 1
    assert np.abs(small - wanted).max() < 0.85
    assert np.corrcoef(small.ravel(), wanted.ravel())[0, 1] > 0.97


def test_unknown_configuration() -> None:
    with pytest.raises(ValueError, match="sise"):
        generate({"sise": 16})
