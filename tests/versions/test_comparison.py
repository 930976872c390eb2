"""How far two models' answers are from each other, and where."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lepton_rules.measure import comparison
from lepton_rules.plugin import LeptonError


def _one(mine: Any, other: Any, dtype: str = "float32") -> dict[str, Any]:
    found = comparison.compare({"y": np.array(mine, dtype)}, {"y": np.array(other, dtype)})
    output: dict[str, Any] = found["outputs"]["y"]
    return output


def test_the_worst_sample_is_named() -> None:
    found = _one([[1, 2], [3, 4.5], [5, 6]], [[1, 2], [3, 4], [5.25, 6]])
    assert found["absolute"] == {"value": 0.5, "sample": 1, "element": [1], "model": "4.5", "baseline": "4.0"}
    assert found["relative"]["value"] == 0.5 / 4
    assert found["agreement"] == {"same": 3, "first": None}


def test_relative_is_to_the_samples_largest_value_in_the_baseline() -> None:
    found = _one([[0.1, 100], [0.2, 1]], [[0, 100], [0.1, 1]])
    assert found["relative"]["sample"] == 1
    assert found["relative"]["value"] == pytest.approx(0.1)


def test_agreement_is_of_classes_for_scores_and_of_elements_for_others() -> None:
    assert _one([[1, 2], [2, 1]], [[0, 9], [1, 2]])["agreement"] == {"same": 1, "first": 1}
    assert _one([[1, 2], [2, 1]], [[1, 2], [2, 2]], "int64")["agreement"] == {"same": 1, "first": 1}
    assert _one([1, 2, 3], [1, 2, 4])["agreement"] == {"same": 2, "first": 2}
    assert _one([True, False], [True, True], "bool")["agreement"] == {"same": 1, "first": 1}


@pytest.mark.parametrize(
    ("mine", "other", "value"),
    [
        (math.nan, math.nan, 0),
        (math.inf, math.inf, 0),
        (math.nan, 1, None),
        (1, math.nan, None),
        (math.inf, -math.inf, None),
        (math.inf, 1, None),
        (0, 0, 0),
    ],
)
def test_what_is_no_number(mine: float, other: float, value: float | None) -> None:
    found = _one([[0, 0], [mine, 0]], [[0, 0], [other, 0]])
    assert found["absolute"]["value"] == value
    assert found["relative"]["value"] == value
    assert found["absolute"]["sample"] == (0 if value == 0 else 1)


def test_something_where_the_baseline_has_nothing_is_infinite() -> None:
    found = _one([[0, 1e-9]], [[0, 0]])
    assert found["relative"]["value"] is None
    assert found["absolute"]["value"] == pytest.approx(1e-9)


def test_integers_differ_by_what_they_differ() -> None:
    found = _one([0, 255], [255, 255], "uint8")
    assert found["absolute"]["value"] == 255
    assert _one([2**62, 1], [2**62, 1], "int64")["absolute"]["value"] == 0


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    mine, other = random.random((50, 7)), random.random((50, 7))
    whole = comparison.compare({"y": mine}, {"y": other})
    monkeypatch.setattr(comparison, "_ELEMENTS", 20)
    assert comparison.compare({"y": mine}, {"y": other}) == whole
    absolute = np.abs(mine - other)
    assert whole["outputs"]["y"]["absolute"]["value"] == absolute.max()
    assert whole["outputs"]["y"]["absolute"]["sample"] == absolute.max(axis=1).argmax()


def test_other_shapes_and_outputs_are_told() -> None:
    found = comparison.compare(
        {"y": np.zeros((2, 3)), "z": np.zeros(2)}, {"y": np.zeros((2, 4)), "w": np.zeros((2, 1))}
    )
    assert found["only_model"] == ["z"]
    assert found["only_baseline"] == ["w"]
    assert found["outputs"]["y"] == {
        "shapes": [[2, 3], [2, 4]],
        "absolute": None,
        "relative": None,
        "agreement": None,
    }


def test_no_elements() -> None:
    assert _one(np.zeros((2, 0)), np.zeros((2, 0)))["absolute"]["value"] == 0


def test_other_numbers_of_samples_are_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(LeptonError):
        comparison.compare({"y": np.zeros(2)}, {"y": np.zeros(3)})
    np.savez(tmp_path / "a.npz", y=np.zeros(2))
    np.savez(tmp_path / "b.npz", y=np.zeros(3))
    flags = [f"--predictions={tmp_path / 'a.npz'}", f"--baseline_predictions={tmp_path / 'b.npz'}"]
    assert comparison.main(["--label=//x:y", *flags, f"--output_comparison={tmp_path / 'c.json'}"]) == 1
    assert capsys.readouterr().out == (
        "lepton: predictions in //x:y: they are of [2, 3] samples. Make both from the same split of one dataset.\n"
    )
    assert not (tmp_path / "c.json").exists()


def test_the_action_writes_plain_json(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", y=np.array([[math.nan, 1]]))
    np.savez(tmp_path / "b.npz", y=np.array([[0.0, 1]]))
    flags = [f"--predictions={tmp_path / 'a.npz'}", f"--baseline_predictions={tmp_path / 'b.npz'}"]
    assert comparison.main(["--label=//x:y", *flags, f"--output_comparison={tmp_path / 'c.json'}"]) == 0
    text = (tmp_path / "c.json").read_text()
    assert "NaN" not in text
    assert json.loads(text)["outputs"]["y"]["absolute"]["model"] == "nan"
