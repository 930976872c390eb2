"""What the int8 artifact finds on machines that it has never seen, and what a limit on a level would have found."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from normalise import levels, windows
from streams import FLEETS, streams
from threshold import best_limit, f1, features

BAR, BASELINE_BAR = 0.90, 0.75


def fleet(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    """Windows, levels, labels and vendors of a fleet."""
    parts = [(windows(r), levels(r), s.fault is not None, s.vendor) for s in streams(name) for r in [s.parsed()]]
    counts = [len(part[0]) for part in parts]
    labels = np.repeat([int(part[2]) for part in parts], counts)
    vendors = np.repeat([part[3] for part in parts], counts)
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts]), labels, vendors


@pytest.fixture(scope="module")
def held_out() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    return fleet("held_out")


@pytest.mark.parametrize("vendor", [*FLEETS["held_out"], "all"])
def test_the_artifact(vendor: str, held_out: tuple[np.ndarray, ...]) -> None:  # type: ignore[type-arg]
    """On each vendor's machines apart: the one that no training has seen is no worse."""
    # Directories of models are links among a test's files.
    places = os.walk("models/machine_monitor", followlinks=True)
    (model,) = (Path(folder) / "model.onnx" for folder, _, files in places if "model.onnx" in files)
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    samples, _, labels, vendors = held_out
    chosen = (vendors == vendor) | (vendor == "all")
    answers = session.run(None, {"window": samples[chosen]})[0].argmax(axis=1) == 1
    assert f1(answers, labels[chosen]) >= BAR


def test_a_limit_on_a_level(held_out: tuple[np.ndarray, ...]) -> None:  # type: ignore[type-arg]
    """Every level of every channel, each with its best limit on the training machines; and even with the best on the
    held-out machines themselves."""
    _, known, known_labels, _ = fleet("training")
    _, unknown, labels, _ = held_out
    seen, unseen = features(known), features(unknown)
    for name, values in seen.items():
        _, limit, sign = best_limit(values, known_labels)
        assert f1(sign * unseen[name] >= limit, labels) < BASELINE_BAR, name
        assert best_limit(unseen[name], labels)[0] < BASELINE_BAR, name
