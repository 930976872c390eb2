"""The dataset action: arrays from a generator or from files, in splits that are checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lepton_rules.actions import dataset
from lepton_rules.actions.arguments import Arguments
from lepton_rules.actions.npz import write_npz
from lepton_rules.plugin import LeptonError
from lepton_rules.plugin.arrays import read_npz

ARRAYS = {"x": np.arange(20, dtype=np.float32).reshape(10, 2), "labels": np.arange(10, dtype=np.int32)}
SPLITS = {"train": [5, 1, 2], "calibration": [1, 2], "evaluation": [0, 9]}
GENERATOR = """
import numpy as np

def generate(config):
    return {"x": np.full((int(config["n"]), 2), 0.5, np.float32), "labels": np.arange(int(config["n"]))}

def wrong(config):
    return eval(config["value"])
"""


def run(directory: Path, splits: object = SPLITS, evaluation: str = "evaluation", **flags: str) -> dict[str, Any]:
    """Runs the action over ARRAYS, or with the flags given, and returns the arrays of each split."""
    lines = [f"--evaluation_split={evaluation}", *(f"--{key}={value}" for key, value in flags.items())]
    if not flags:
        write_npz(ARRAYS, directory / "arrays.npz")
        lines.append("--source=arrays.npz")
    names = list(SPLITS)
    if splits is None:
        names = ["all"]
    else:
        (directory / "splits.json").write_text(splits if isinstance(splits, str) else json.dumps(splits))
        lines.append("--splits=splits.json")
    lines += [line for name in names for line in (f"--split={name}", f"--output_split={name}.npz")]
    arguments = Arguments.parse(lines, directory)
    dataset.run(arguments)
    arguments.finish()
    return {name: read_npz(directory / f"{name}.npz") for name in names}


def refused(directory: Path, *arguments: Any, **options: Any) -> str:
    with pytest.raises(LeptonError) as caught:
        run(directory, *arguments, **options)
    assert not list(directory.glob("train.npz"))
    return str(caught.value)


def test_splits(tmp_path: Path) -> None:
    found = run(tmp_path)
    for name, indices in SPLITS.items():
        assert np.array_equal(found[name]["x"], ARRAYS["x"][indices])
        assert found[name]["labels"].dtype == np.int64 and found[name]["labels"].tolist() == indices


def test_everything_in_one_split(tmp_path: Path) -> None:
    assert run(tmp_path, None)["all"]["labels"].tolist() == list(range(10))


def test_bare_array(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", ARRAYS["x"])
    (tmp_path / "x.npy").rename(tmp_path / "x")
    assert np.array_equal(run(tmp_path, None, source="x")["all"]["x"], ARRAYS["x"])


def test_generator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "generator_of_test.py").write_text(GENERATOR)
    monkeypatch.syspath_prepend(tmp_path)
    found = run(tmp_path, generator="generator_of_test:generate", config='{"n": "10"}')
    assert found["evaluation"]["labels"].tolist() == [0, 9] and found["train"]["x"].shape == (3, 2)
    first = (tmp_path / "train.npz").read_bytes()
    run(tmp_path, generator="generator_of_test:generate", config='{"n": 10}')
    assert (tmp_path / "train.npz").read_bytes() == first
    for name in SPLITS:
        (tmp_path / f"{name}.npz").unlink()
    for generator, why in [
        ("generator_of_test:generat", "Did you mean 'generate'"),
        ("generator_of_tests:generate", "no module 'generator_of_tests'"),
        ("generator_of_test", "not module:function"),
    ]:
        assert why in refused(tmp_path, generator=generator, config="{}")


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("None", "gave nothing"),
        ("[1]", "type list"),
        ("{}", "gave no arrays"),
        ("{1: np.zeros(10)}", "1 is no name"),
        ("{'../x': np.zeros(10)}", "no name"),
        ("{'x': [1, 2]}", "'x' is an object of type list"),
        ("{'x': np.array([None] * 10)}", "dtype object"),
        ("{'x': np.array(['a'] * 10)}", "dtype <U1"),
        ("{'x': np.zeros(10, 'M8[s]')}", "datetime64"),
        ("{'x': np.array(3)}", "no axis"),
        ("{'x': np.zeros(10), 'y': np.zeros(9)}", "different numbers of samples"),
        ("{'x': np.zeros((0, 3))}", "no samples"),
        ("{'x': np.zeros(2), 'labels': np.array([1, np.nan])}", "no number"),
        ("{'x': np.zeros(2), 'labels': np.array([1, np.inf])}", "no number"),
        ("{'x': np.zeros(2), 'labels': np.array([1, 2**64 - 1], np.uint64)}", "beyond int64"),
    ],
)
def test_bad_arrays(value: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "generator_of_test.py").write_text(GENERATOR)
    monkeypatch.syspath_prepend(tmp_path)
    assert why in refused(tmp_path, generator="generator_of_test:wrong", config=json.dumps({"value": value}))


@pytest.mark.parametrize(
    ("splits", "why"),
    [
        ("{", "not JSON"),
        ("[]", "type list"),
        ('{"train": [1], "train": [2]}', "twice"),
        ({"train": [1], "evaluation": [0]}, "no split 'calibration'"),
        ({**SPLITS, "evaluatoin": [3]}, "Did you mean 'evaluation'"),
        ({**SPLITS, "train": {"1": 2}}, "not a list of integers"),
        ({**SPLITS, "train": [1.0]}, "not a list of integers"),
        ({**SPLITS, "train": [True]}, "not a list of integers"),
        ({**SPLITS, "train": ["1"]}, "not a list of integers"),
        ({**SPLITS, "train": []}, "is empty"),
        ({**SPLITS, "train": [10]}, "index 10, and the samples are 0 to 9"),
        ({**SPLITS, "train": [-1]}, "index -1"),
        ({**SPLITS, "train": [1 << 80]}, "index"),
        ({**SPLITS, "train": [3, 4, 3]}, "sample 3 twice"),
        ({**SPLITS, "train": [3, 9]}, "1 samples of 'evaluation' are also in 'train', such as 9"),
        ({**SPLITS, "calibration": [0]}, "also in 'calibration'"),
    ],
    ids=str,
)
def test_bad_splits(splits: object, why: str, tmp_path: Path) -> None:
    assert why in refused(tmp_path, splits)


def test_without_an_evaluation_split_samples_may_be_shared(tmp_path: Path) -> None:
    assert run(tmp_path, {**SPLITS, "train": [3, 9]}, evaluation="")["train"]["labels"].tolist() == [3, 9]


def test_two_files_with_one_array(tmp_path: Path) -> None:
    for name in ("a", "b"):
        np.savez(tmp_path / f"{name}.npz", x=ARRAYS["x"])
    arguments = Arguments.parse(
        ["--evaluation_split=", "--source=a.npz", "--source=b.npz", "--split=all", "--output_split=all.npz"], tmp_path
    )
    with pytest.raises(LeptonError, match="two files have an array 'x'"):
        dataset.run(arguments)
