"""Predictions: whatever the batch, all samples in their order, the same bytes again; and what is refused."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest

from lepton_rules.actions import evaluate, metrics
from lepton_rules.actions.arguments import Arguments
from lepton_rules.actions.npz import write_npz
from lepton_rules.measure import metrics_file
from lepton_rules.plugin import LeptonError
from models import PLUGIN_ROOT, make_dataset, make_model


@pytest.fixture(autouse=True)
def plugin_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(PLUGIN_ROOT))
    yield


def predict(directory: Path, model: tuple[Path, Path], dataset: Path) -> Path:
    """Runs the action on a model of the plugin `fake`."""
    output = directory / "predictions.npz"
    flags = {
        "label": "//x:y",
        "plugin": "fake",
        "plugin_entry": "lepton_plugin_fake",
        "component": "matmul",
        "config": "{}",
        "model": model[0],
        "model_manifest": model[1],
        "dataset": dataset,
        "threads": 1,
        "output_predictions": output,
    }
    arguments = Arguments.parse([f"--{key}={value}" for key, value in flags.items()], directory)
    evaluate.run(arguments)
    arguments.finish()
    return output


@pytest.mark.parametrize("batch", ["batch", 1, 3, 40, 64])
@pytest.mark.parametrize("samples", [1, 32, 40])
def test_every_sample_once_in_order(tmp_path: Path, batch: int | str, samples: int) -> None:
    dataset = make_dataset(tmp_path / "d.npz", samples)
    found = numpy.load(predict(tmp_path, make_model(tmp_path / "m", batch=batch), dataset))
    assert found.files == ["logits"]
    assert numpy.array_equal(found["logits"], numpy.load(dataset)["x"][:, :10])


def test_the_same_bytes_again(tmp_path: Path) -> None:
    dataset, model = make_dataset(tmp_path / "d.npz"), make_model(tmp_path / "m")
    first = predict(tmp_path, model, dataset).read_bytes()
    assert predict(tmp_path, model, dataset).read_bytes() == first


def test_written_arrays_have_one_spelling(tmp_path: Path) -> None:
    values = numpy.arange(12, dtype=numpy.int32).reshape(3, 4)
    write_npz({"b": values, "a": values[0]}, tmp_path / "one.npz")
    write_npz({"a": values.astype(">i4")[0], "b": numpy.asfortranarray(values)}, tmp_path / "two.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    assert numpy.array_equal(numpy.load(tmp_path / "one.npz")["b"], values)
    with pytest.raises(LeptonError, match="dtype object"):
        write_npz({"a": numpy.array([None])}, tmp_path / "three.npz")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": None}, "no array is named as the model's input 'x'"),
        ({"x": numpy.zeros((40, 64))}, r"array 'x' is float64\[40, 64\]"),
        ({"x": numpy.zeros((40, 63), numpy.float32)}, r"array 'x' is float32\[40, 63\]"),
        ({"x": numpy.zeros((40, 8, 8), numpy.float32)}, r"array 'x' is float32\[40, 8, 8\]"),
        ({"x": numpy.zeros((39, 64), numpy.float32)}, "different numbers of samples"),
        ({"x": numpy.zeros((0, 64), numpy.float32), "labels": numpy.zeros(0, numpy.int64)}, "it has no samples"),
        ({"x": numpy.array([[None] * 64] * 40)}, "objects, which are pickles"),
    ],
)
def test_a_split_that_does_not_fit_is_refused(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    with pytest.raises(LeptonError, match=message):
        predict(tmp_path, make_model(tmp_path / "m"), make_dataset(tmp_path / "d.npz", **arrays))
    assert not (tmp_path / "predictions.npz").exists()


@pytest.mark.parametrize(("fault", "message"), [("shape", "the runtime gave float32"), ("name", "gave the outputs")])
def test_a_runtime_that_breaks_its_word_is_refused(tmp_path: Path, fault: str, message: str) -> None:
    with pytest.raises(LeptonError, match=message):
        predict(tmp_path, make_model(tmp_path / "m", fault=fault), make_dataset(tmp_path / "d.npz"))


# The metrics action, on such predictions.


def compute(directory: Path, wanted: list[dict[str, Any]], **changes: Any) -> metrics_file.Metrics:
    """Runs the action of the plugin `metrics` on predictions of a model that is always right."""
    model, dataset = make_model(directory / "m"), make_dataset(directory / "d.npz", **changes.pop("arrays", {}))
    flags = {
        "label": "//x:y",
        "plugin": "metrics",
        "plugin_entry": "lepton_plugin_metrics",
        "metrics": json.dumps(wanted),
        "model_manifest": model[1],
        "dataset": dataset,
        "output_metrics": directory / "metrics.json",
    } | changes
    if "predictions" not in flags:
        flags["predictions"] = predict(directory, model, dataset)
    arguments = Arguments.parse([f"--{key}={value}" for key, value in flags.items()], directory)
    metrics.run(arguments)
    arguments.finish()
    return metrics_file.read(directory / "metrics.json", "metrics")


ACCURACY = {"name": "accuracy", "config": {}}
AGREEMENT = {"name": "agreement", "config": {}}


def _scores(path: Path, answers: list[int]) -> Path:
    write_npz({"logits": numpy.eye(10, dtype=numpy.float32)[answers]}, path)
    return path


def test_accuracy_of_a_model_that_is_right(tmp_path: Path) -> None:
    found = compute(tmp_path, [ACCURACY])
    assert found.metrics == {"accuracy": 1.0}
    assert found.samples == 40
    assert found.model_digest == json.loads((tmp_path / "m" / "manifest.json").read_text())["digest"]
    assert found.baseline_predictions_digest is None
    first = (tmp_path / "metrics.json").read_bytes()
    (tmp_path / "again").mkdir()
    compute(tmp_path / "again", [ACCURACY])
    assert (tmp_path / "again" / "metrics.json").read_bytes() == first


def test_accuracy_and_agreement_count(tmp_path: Path) -> None:
    labels = numpy.array([0] * 40)
    found = compute(
        tmp_path,
        [ACCURACY, AGREEMENT],
        arrays={"labels": labels},
        predictions=_scores(tmp_path / "p.npz", [0] * 30 + [1] * 10),
        baseline_predictions=_scores(tmp_path / "b.npz", [0] * 20 + [1] * 20),
    )
    assert found.metrics == {"accuracy": 0.75, "agreement": 0.75}
    assert found.baseline_predictions_digest is not None


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            {"labels": numpy.array([0] * 39 + [10])},
            "labels 'labels' reach from 0 to 10, and the model has the classes 0 to 9",
        ),
        ({"labels": numpy.array([0] * 39 + [-1])}, "reach from -1 to 0"),
        ({"labels": numpy.zeros(40)}, "labels 'labels' have dtype float64"),
        ({"labels": numpy.zeros((40, 1), numpy.int64)}, r"have shape \[40, 1\]"),
        ({"labels": None, "label": numpy.zeros(40, numpy.int64)}, "no array 'labels'. Did you mean 'label'"),
    ],
)
def test_labels_that_do_not_fit_are_refused(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    with pytest.raises(LeptonError, match=message):
        compute(tmp_path, [ACCURACY], arrays=arrays)


@pytest.mark.parametrize(
    ("outputs", "config", "message"),
    [
        ({"a": numpy.zeros((40, 10)), "b": numpy.zeros((40, 10))}, {}, "Name one with output"),
        ({"a": numpy.zeros((40, 10))}, {"output": "b"}, "the model has no output 'b'"),
        ({"a": numpy.zeros((40, 1))}, {}, "a score for each of at least two classes"),
        ({"a": numpy.zeros(40)}, {}, "a score for each of at least two classes"),
        ({"a": numpy.full((40, 10), numpy.nan)}, {}, "output 'a' holds NaN"),
        ({"a": numpy.zeros((39, 10))}, {}, "they are of 39 samples, and the dataset has 40"),
        ({"a": numpy.zeros((40, 10))}, {"outptu": "a"}, "outptu"),
    ],
)
def test_outputs_without_scores_are_refused(
    tmp_path: Path, outputs: dict[str, Any], config: dict[str, Any], message: str
) -> None:
    write_npz(outputs, tmp_path / "p.npz")
    with pytest.raises(LeptonError, match=message):
        compute(tmp_path, [{"name": "accuracy", "config": config}], predictions=tmp_path / "p.npz")


def test_an_output_is_chosen_by_name(tmp_path: Path) -> None:
    right, wrong = numpy.eye(10)[[3] * 40], numpy.eye(10)[[4] * 40]
    write_npz({"right": right, "wrong": wrong}, tmp_path / "p.npz")
    wanted = [{"name": "accuracy", "config": {"output": "right"}}]
    found = compute(tmp_path, wanted, predictions=tmp_path / "p.npz", arrays={"labels": numpy.array([3] * 40)})
    assert found.metrics == {"accuracy": 1.0}


def test_metrics_that_cannot_be_are_refused(tmp_path: Path) -> None:
    for number, (wanted, message) in enumerate(
        [
            ([AGREEMENT], "it compares with a baseline and there is none"),
            ([ACCURACY, ACCURACY], "it is asked for twice"),
            ([{"name": "acuracy", "config": {}}], "it has no 'acuracy'"),
        ]
    ):
        directory = tmp_path / str(number)
        directory.mkdir()
        with pytest.raises(LeptonError, match=message):
            compute(directory, wanted)


def test_a_metric_that_is_no_number_is_not_written(tmp_path: Path) -> None:
    good = compute(tmp_path, [ACCURACY])
    bad = metrics_file.Metrics(**{**vars(good), "metrics": {"accuracy": float("nan")}})
    with pytest.raises(LeptonError, match="metric accuracy: it is nan"):
        metrics_file.write(bad, tmp_path / "bad.json")
    assert not (tmp_path / "bad.json").exists()
