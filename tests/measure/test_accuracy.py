"""The accuracy test: budgets against metrics.json."""

import json
from pathlib import Path
from typing import Any

import pytest
from programs import Done, run_program

from lepton_rules.manifest import canonical_json
from models import make_model

DIGEST = "sha256:" + "5" * 64


def _metrics(path: Path, values: dict[str, Any], **changes: Any) -> Path:
    content = {
        "schema_version": 1,
        "metrics": values,
        "samples": 800,
        "model_digest": DIGEST,
        "dataset_digest": DIGEST,
        "predictions_digest": DIGEST,
        "baseline_predictions_digest": None,
    }
    path.write_text(canonical_json({k: v for k, v in (content | changes).items() if v != "absent"}))
    return path


def _accuracy(
    tmp_path: Path, candidate: Path, *budgets: str, baseline: Path | None = None, flags: tuple[str, ...] = ()
) -> Done:
    against = () if baseline is None else ("--baseline_label=//x:b", f"--baseline_metrics={baseline}")
    return run_program(
        tmp_path,
        "accuracy_test",
        "--label=//x:y_accuracy_test",
        "--artifact_label=//x:y",
        f"--metrics={candidate}",
        *against,
        *flags,
        *[f"--budget={budget}" for budget in budgets],
    )


def test_all_kinds_of_budget(tmp_path: Path) -> None:
    candidate = _metrics(tmp_path / "c.json", {"accuracy": 0.985, "agreement": 0.991, "loss": 0.3})
    baseline = _metrics(tmp_path / "b.json", {"accuracy": 0.99, "loss": 0.25})
    done = _accuracy(
        tmp_path,
        candidate,
        "min_accuracy=0.97",
        "max_accuracy_drop=0.005",
        "min_agreement=0.99",
        "max_loss=0.5",
        "max_loss_rise=0.04",
        baseline=baseline,
    )
    assert done.status == 1
    assert done.verdicts == {
        "min_accuracy": "PASS",
        "max_accuracy_drop": "PASS",  # 0.99 - 0.985 is 0.005 in decimals, and more in floats
        "min_agreement": "PASS",
        "max_loss": "PASS",
        "max_loss_rise": "FAIL",
    }
    assert done.output.startswith("lepton: accuracy test in //x:y_accuracy_test: max_loss_rise is FAIL: 0.05 where")
    assert done.measurement["baseline"] == {"label": "//x:b", "digest": DIGEST}
    assert done.measurement["samples"]["baseline_metrics"] == {"accuracy": 0.99, "loss": 0.25}


def test_a_gain_is_no_drop(tmp_path: Path) -> None:
    candidate, baseline = _metrics(tmp_path / "c", {"accuracy": 0.99}), _metrics(tmp_path / "b", {"accuracy": 0.98})
    assert _accuracy(tmp_path, candidate, "max_accuracy_drop=0", baseline=baseline).status == 0
    assert _accuracy(tmp_path, baseline, "max_accuracy_drop=0.0099", baseline=candidate).status == 1


def test_an_unknown_metric_names_the_near_miss(tmp_path: Path) -> None:
    done = _accuracy(tmp_path, _metrics(tmp_path / "c", {"accuracy": 0.99}), "min_acuracy=0.97")
    assert done.output.startswith(
        "lepton: budget min_acuracy in //x:y_accuracy_test: //x:y has no metric acuracy. Did you mean 'accuracy'?"
    )


def test_a_baseline_is_needed_and_must_have_seen_the_same_samples(tmp_path: Path) -> None:
    candidate = _metrics(tmp_path / "c", {"accuracy": 0.99})
    assert (
        "it compares with a baseline and there is none" in _accuracy(tmp_path, candidate, "max_accuracy_drop=0").output
    )
    other = _metrics(tmp_path / "b", {"accuracy": 0.99}, dataset_digest="sha256:" + "6" * 64)
    done = _accuracy(tmp_path, candidate, "max_accuracy_drop=0", baseline=other)
    assert "it was evaluated on other samples" in done.output
    assert done.status == 1


def test_several_files_of_metrics_are_one(tmp_path: Path) -> None:
    candidate = _metrics(tmp_path / "c1", {"accuracy": 0.99})
    more = (f"--metrics={_metrics(tmp_path / 'c2', {'f1': 0.93})}",)
    again = (f"--baseline_metrics={_metrics(tmp_path / 'b2', {'f1': 0.94})}",)
    baseline = _metrics(tmp_path / "b1", {"accuracy": 0.98, "f1": 0.5})
    budgets = ("min_accuracy=0.97", "min_f1=0.93", "max_f1_drop=0.01")
    assert _accuracy(tmp_path, candidate, *budgets, baseline=baseline, flags=more + again).verdicts == {
        "min_accuracy": "PASS",
        "min_f1": "PASS",
        "max_f1_drop": "PASS",
    }
    other = _metrics(tmp_path / "c3", {"f1": 0.93}, predictions_digest="sha256:" + "6" * 64)
    done = _accuracy(tmp_path, candidate, *budgets, baseline=baseline, flags=(f"--metrics={other}",))
    assert "metrics of //x:y in //x:y_accuracy_test: their files are of other predictions or samples" in done.output
    assert done.status == 1


def test_a_budget_above_all_values_is_refused(tmp_path: Path) -> None:
    candidate = _metrics(tmp_path / "c", {"accuracy": 0.99})
    done = _accuracy(tmp_path, candidate, "min_accuracy=97", flags=("--largest=accuracy=1",))
    assert "budget min_accuracy in //x:y_accuracy_test: its limit 97 is above 1" in done.output
    assert done.status == 1


def test_metrics_of_another_model_are_refused(tmp_path: Path) -> None:
    candidate = _metrics(tmp_path / "c", {"accuracy": 0.99})
    manifest = make_model(tmp_path / "model")[1]
    done = _accuracy(tmp_path, candidate, "min_accuracy=0.9", flags=(f"--manifest={manifest}",))
    assert done.status == 1
    assert "they are of the model sha256:5" in done.output


def test_a_baseline_of_another_signature_is_refused(tmp_path: Path) -> None:
    models = {"c": make_model(tmp_path / "one")[1], "b": make_model(tmp_path / "two", input_width=32)[1]}
    digests = {name: json.loads(path.read_text())["digest"] for name, path in models.items()}
    candidate, baseline = (
        _metrics(tmp_path / name, {"accuracy": 0.99}, model_digest=digest) for name, digest in digests.items()
    )
    flags = (f"--manifest={models['c']}", f"--baseline_manifest={models['b']}")
    done = _accuracy(tmp_path, candidate, "max_accuracy_drop=0.1", baseline=baseline, flags=flags)
    assert done.status == 1
    assert "baseline //x:b in //x:y_accuracy_test: its inputs are x ['batch', 32], and those of //x:y" in done.output


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"metrics": {"accuracy": "0.99"}}, "metric accuracy is '0.99'"),
        ({"metrics": {"accuracy": True}}, "metric accuracy is True"),
        ({"metrics": {}}, "it has no metrics"),
        ({"samples": 0}, "its samples are 0"),
        ({"samples": 1.5}, "its samples are 1.5"),
        ({"model_digest": "sha256:abc"}, "its model_digest is 'sha256:abc'"),
        ({"schema_version": 2}, "its schema_version is 2"),
        ({"samples": "absent"}, "it does not hold exactly"),
        ({"more": 1}, "it does not hold exactly"),
    ],
)
def test_a_file_that_is_no_metrics_is_refused(tmp_path: Path, changes: dict[str, Any], problem: str) -> None:
    values = changes.pop("metrics", {"accuracy": 0.99})
    done = _accuracy(tmp_path, _metrics(tmp_path / "c", values, **changes), "min_accuracy=0.9")
    assert done.status == 1
    assert done.output.startswith("lepton: metrics of //x:y in //x:y_accuracy_test: c is no metrics file: ")
    assert problem in done.output


@pytest.mark.parametrize("text", ["", "[]", '{"metrics": NaN}', '{"a": 1, "a": 2}', "[" * 100_000, "\ufeff{}"])
def test_a_file_that_is_no_json_object_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "c").write_text(text, encoding="utf-8")
    done = _accuracy(tmp_path, tmp_path / "c", "min_accuracy=0.9")
    assert done.status == 1
    assert done.output.startswith("lepton: metrics of //x:y in //x:y_accuracy_test: c ")
    assert "Traceback" not in done.output


def test_a_relative_drop_is_a_fraction_of_the_baselines(tmp_path: Path) -> None:
    candidate = _metrics(tmp_path / "c.json", {"accuracy": 0.72, "loss": 0.3})
    baseline = _metrics(tmp_path / "b.json", {"accuracy": 0.8, "loss": 0.25})
    done = _accuracy(tmp_path, candidate, "max_accuracy_drop_ratio=0.1", "max_loss_rise_ratio=0.19", baseline=baseline)
    assert done.verdicts == {"max_accuracy_drop_ratio": "PASS", "max_loss_rise_ratio": "FAIL"}
    assert [budget["value"] for budget in done.measurement["budgets"]] == [0.1, 0.2]
    zero = _metrics(tmp_path / "z.json", {"accuracy": 0.0})
    done = _accuracy(tmp_path, candidate, "max_accuracy_drop_ratio=0.1", baseline=zero)
    assert done.output.startswith(
        "lepton: budget max_accuracy_drop_ratio in //x:y_accuracy_test: the baseline's metric is 0, of which nothing"
    )


def _sure(tmp_path: Path, *budgets: str, confidence: str | None = "0.95") -> Done:
    candidate = _metrics(tmp_path / "c.json", {"accuracy": 0.98, "loss": 0.3, "odd": 0.5})
    baseline = _metrics(tmp_path / "b.json", {"accuracy": 0.984, "loss": 0.25})
    entries = {
        "accuracy": {"value": [0.965, 0.988], "drop": [-0.002, 0.011], "method": "score"},
        "loss": {"value": [0.2, 0.4], "drop": [-0.06, -0.04], "method": "bootstrap of 1000"},
    }
    path = tmp_path / "intervals.json"
    path.write_text(canonical_json({"confidence": 0.95, "samples": 800, "metrics": entries}))
    flags = (f"--intervals={path}", *([f"--confidence={confidence}"] if confidence else []))
    return _accuracy(tmp_path, candidate, *budgets, baseline=baseline, flags=flags)


def test_intervals_are_in_the_report_and_decide_nothing_unless_asked(tmp_path: Path) -> None:
    done = _sure(tmp_path, "min_accuracy=0.975", "max_accuracy_drop=0.005", "max_loss_rise=0.05", confidence=None)
    assert done.status == 0, done.output
    intervals = {budget["name"]: budget["interval"] for budget in done.measurement["budgets"]}
    assert intervals == {
        "min_accuracy": [0.965, 0.988],
        "max_accuracy_drop": [-0.002, 0.011],
        "max_loss_rise": [0.04, 0.06],
    }
    assert "0.965 to 0.988" in done.output


def test_with_confidence_too_few_samples_are_not_proven(tmp_path: Path) -> None:
    done = _sure(tmp_path, "min_accuracy=0.975", "max_accuracy_drop=0.02", "max_loss_rise=0.03", "max_loss=0.3")
    assert done.verdicts == {
        "min_accuracy": "NOT PROVEN",
        "max_accuracy_drop": "PASS",
        "max_loss_rise": "FAIL",
        "max_loss": "NOT PROVEN",
    }
    lines = done.output.splitlines()
    # The interval reaches three times as far as the limit: nine times the samples.
    assert "from 0.965 to 0.988 at confidence 0.95. Evaluate on about 7200 samples, or give the" in lines[0]
    assert "no number of samples tells a value from itself" in done.output


def test_with_confidence_a_metric_without_an_interval_is_not_proven(tmp_path: Path) -> None:
    done = _sure(tmp_path, "min_odd=0.1")
    assert done.verdicts == {"min_odd": "NOT PROVEN"}
    assert "there is no interval on it, which confidence 0.95 takes" in done.output
