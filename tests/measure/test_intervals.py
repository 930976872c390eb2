"""Confidence intervals: published values, coverage by simulation, and what the action writes."""

import json
import random
import subprocess
import sys
from pathlib import Path
from statistics import NormalDist
from typing import Any

import lepton_plugin_metrics
import numpy
import pytest
from programs import MEASURE

from lepton_rules.measure.intervals import paired_difference, share


def test_wilson_is_as_published() -> None:
    # R. G. Newcombe, Statistics in Medicine 17 (1998) 857, table I: 81 of 263, and 0 of 20.
    assert share(81, 263, 0.95) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert share(0, 20, 0.95) == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_the_paired_interval_inverts_a_test_that_is_mcnemars_at_0() -> None:
    z = NormalDist().inv_cdf(0.975)
    # McNemar's statistic of 12 and 2 is 10 / sqrt(14): 0 is a bound of the interval at just that confidence.
    confidence = 2 * NormalDist().cdf(10 / 14**0.5) - 1
    assert paired_difference(12, 2, 50, confidence)[0] == pytest.approx(0, abs=1e-9)
    low, high = paired_difference(5, 9, 100, 0.95)
    assert paired_difference(9, 5, 100, 0.95) == pytest.approx((-high, -low))
    # No sample that one has and the other has not: n d / (1 - d) = z * z.
    low, high = paired_difference(0, 0, 797, 0.95)
    assert high == pytest.approx(z * z / (797 + z * z))
    assert low == pytest.approx(-high)


def test_the_paired_interval_holds_the_truth_as_often_as_it_says() -> None:
    generator = random.Random(3)
    samples, lost, won = 300, 0.04, 0.02
    held = 0
    for _ in range(1000):
        draws = [generator.random() for _ in range(samples)]
        b, c = sum(draw < lost for draw in draws), sum(lost <= draw < lost + won for draw in draws)
        low, high = paired_difference(b, c, samples, 0.95)
        held += low <= lost - won <= high
    assert 930 <= held <= 975


def _intervals(tmp_path: Path, metrics: list[dict[str, Any]], compared: bool = True, **arrays: Any) -> Any:
    for name in ("dataset", "predictions", "baseline"):
        numpy.savez(tmp_path / f"{name}.npz", **arrays[name])
    done = subprocess.run(
        [
            sys.executable,
            "-s",
            "-P",
            str(MEASURE / "interval_action.py"),
            "--label=//x:y",
            "--plugin=metrics",
            "--plugin_entry=lepton_plugin_metrics",
            f"--python_path={Path(lepton_plugin_metrics.__file__).parents[1]}",
            f"--metrics={json.dumps(metrics)}",
            f"--dataset={tmp_path / 'dataset.npz'}",
            f"--predictions={tmp_path / 'predictions.npz'}",
            *([f"--baseline_predictions={tmp_path / 'baseline.npz'}"] if compared else []),
            f"--output={tmp_path / 'intervals.json'}",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((tmp_path / "intervals.json").read_text())


def _answers(classes: list[int]) -> Any:
    return numpy.eye(3, dtype=numpy.float32)[classes]


def test_shares_have_score_intervals_and_others_the_bootstrap(tmp_path: Path) -> None:
    labels = [0, 1, 2] * 40
    mine = [*labels[:-6], *([0] * 6)]
    arrays = {
        "dataset": {"x": numpy.zeros((120, 1)), "labels": numpy.array(labels)},
        "predictions": {"y": _answers(mine)},
        "baseline": {"y": _answers(labels)},
    }
    names = ("accuracy", "agreement", "f1", "cosine")
    metrics = [{"name": name, "config": {}} for name in names]
    found = _intervals(tmp_path, metrics, **arrays)
    assert found["samples"] == 120
    accuracy = found["metrics"]["accuracy"]
    assert accuracy["method"] == "score"
    assert accuracy["value"] == list(share(116, 120, 0.95))
    assert accuracy["drop"] == list(paired_difference(4, 0, 120, 0.95))
    assert "drop" not in found["metrics"]["agreement"]
    f1 = found["metrics"]["f1"]
    assert f1["method"] == "bootstrap of 1000"
    assert f1["value"][0] < f1["value"][1] <= 1
    assert found["metrics"]["cosine"]["method"].startswith(("bootstrap", "score"))
    again = _intervals(tmp_path, metrics, **arrays)
    assert again == found
    alone = _intervals(tmp_path, metrics[:2], compared=False, **arrays)
    assert "drop" not in alone["metrics"]["accuracy"]
    assert "agreement" not in alone["metrics"]


def test_pairs_are_drawn_whole(tmp_path: Path) -> None:
    generator = numpy.random.default_rng(2)
    vectors = generator.normal(size=(40, 4)).astype(numpy.float32)
    found = _intervals(
        tmp_path,
        [{"name": "spearman", "config": {}}],
        dataset={"x": numpy.zeros((40, 1)), "pair": numpy.repeat(numpy.arange(20), 2)},
        predictions={"y": vectors + generator.normal(size=(40, 4)).astype(numpy.float32) / 3},
        baseline={"y": vectors},
    )
    low, high = found["metrics"]["spearman"]["value"]
    assert -1 <= low < high <= 1
    assert high > 0.5
