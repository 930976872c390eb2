"""The programs of lepton_compatibility_test and lepton_parity_test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from lepton_rules import manifest as manifests
from lepton_rules.measure import comparison, measurement
from lepton_rules.plugin import ModelFacts, TensorSpec

MEASURE = Path(measurement.__file__).parent
LOGITS = (TensorSpec("logits", "float32", ("batch", 2)),)
IMAGE = (TensorSpec("image", "float32", ("batch", 4)),)


def _manifest(folder: Path, content: str, inputs: Any = IMAGE, outputs: Any = LOGITS) -> Path:
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "model.onnx").write_text(content)
    step = {
        "pass": "onnx.onnx",
        "config": {},
        "config_version": 1,
        "plugin": {"name": "onnx", "version": "0.1.0"},
        "libraries": {},
    }
    facts = ModelFacts(inputs=inputs, outputs=outputs, parameters=1, macs=1)
    manifests.write(
        manifests.build(format="onnx", facts=facts, directory=folder / "model", step=step), folder / "manifest.json"
    )
    return folder / "manifest.json"


def _comparison(path: Path, mine: dict[str, Any], other: dict[str, Any]) -> str:
    arrays = [{name: np.array(values, "float32") for name, values in one.items()} for one in (mine, other)]
    path.write_text(manifests.canonical_json(comparison.compare(*arrays)))
    return f"--comparison={path}"


class Done:
    """A test that has run."""

    def __init__(self, tmp_path: Path, kind: str, *flags: str) -> None:
        out = tmp_path / "outputs"
        environment = os.environ | {"TEST_UNDECLARED_OUTPUTS_DIR": str(out), "XML_OUTPUT_FILE": str(out / "test.xml")}
        program = [sys.executable, "-s", "-P", str(MEASURE / f"{kind}_test.py")]
        words = [f"--label=//x:new_{kind}_test", "--artifact_label=//x:new", "--baseline_label=//x:old", *flags]
        done = subprocess.run([*program, *words], env=environment, capture_output=True, text=True)
        assert not done.stderr, done.stderr
        self.status, self.lines = done.returncode, done.stdout.splitlines()
        self.measurement: Any = None
        if (out / "measurement.json").exists():
            self.measurement = json.loads((out / "measurement.json").read_text("utf-8"))
            assert measurement.problems(self.measurement) == []

    @property
    def verdicts(self) -> dict[str, str]:
        return {budget["name"]: budget["verdict"] for budget in self.measurement["budgets"]}


def _versions(tmp_path: Path, **new: Any) -> list[str]:
    before = _manifest(tmp_path / "old", "old")
    return [f"--manifest={_manifest(tmp_path / 'new', 'new', **new)}", f"--baseline_manifest={before}"]


SAME = {"logits": [[1, 2], [4, 3]]}
NEAR = {"logits": [[1, 2], [4, 3.5]]}
OTHER = {"logits": [[1, 2], [3, 4]]}


def test_a_version_that_answers_as_before_may_stand_for_it(tmp_path: Path) -> None:
    budgets = [
        "--budget=max_absolute_difference=0.5",
        "--budget=max_relative_difference=0.2",
        "--budget=min_agreement=1",
    ]
    done = Done(tmp_path, "compatibility", *_versions(tmp_path), _comparison(tmp_path / "c.json", NEAR, SAME), *budgets)
    assert done.status == 0, done.lines
    assert done.measurement["kind"] == "compatibility"
    assert set(done.verdicts.values()) == {"PASS"}
    assert next(iter(done.verdicts)) == "max_signature_changes"
    assert done.measurement["samples"]["comparison"]["samples"] == 2


def test_answers_beyond_the_tolerance_name_the_worst_sample_and_output(tmp_path: Path) -> None:
    budgets = ["--budget=max_absolute_difference=0.25", "--budget=min_agreement=0.75"]
    done = Done(
        tmp_path, "compatibility", *_versions(tmp_path), _comparison(tmp_path / "c.json", OTHER, SAME), *budgets
    )
    assert done.status == 1
    assert done.verdicts == {
        "max_signature_changes": "PASS",
        "max_absolute_difference": "FAIL",
        "min_agreement": "FAIL",
    }
    assert done.lines[0] == (
        "lepton: compatibility test in //x:new_compatibility_test: max_absolute_difference is FAIL: 1 where the budget "
        "is at most 0.25 (worst: sample 1 of 2, output 'logits' [0]: 3.0, and 4.0 in the baseline). "
        "Make the new version answer as the old one does, or relax the budget."
    )
    assert (
        "0.5 where the budget is at least 0.75 of the samples (1 of 2 samples, output 'logits'; first: sample 1)"
        in (done.lines[1])
    )


def test_a_signature_that_breaks_callers_fails_whatever_the_answers(tmp_path: Path) -> None:
    wider = (TensorSpec("image", "uint8", ("batch", 4)),)
    done = Done(
        tmp_path,
        "compatibility",
        *_versions(tmp_path, inputs=wider),
        _comparison(tmp_path / "c.json", SAME, SAME),
        "--budget=min_agreement=1",
    )
    assert done.status == 1
    assert done.verdicts == {"max_signature_changes": "FAIL", "min_agreement": "PASS"}
    assert done.lines[0] == (
        "lepton: compatibility test in //x:new_compatibility_test: max_signature_changes is FAIL: 1 where the budget "
        "is at most 0 (input 'image' was float32[batch, 4] and is uint8[batch, 4]). "
        "Keep what callers know, or release it as another model."
    )


def test_signatures_alone(tmp_path: Path) -> None:
    done = Done(tmp_path, "compatibility", *_versions(tmp_path))
    assert done.status == 0
    assert done.verdicts == {"max_signature_changes": "PASS"}


def test_a_baseline_of_another_digest_is_an_error(tmp_path: Path) -> None:
    done = Done(tmp_path, "compatibility", *_versions(tmp_path), f"--baseline_digest=sha256:{'0' * 64}")
    assert done.status == 1
    assert done.measurement is None
    assert done.lines[0].startswith("lepton: baseline //x:old in //x:new_compatibility_test: its digest is sha256:")


def test_a_nan_has_no_difference_that_a_budget_allows(tmp_path: Path) -> None:
    nan = {"logits": [[1, float("nan")], [4, 3]]}
    flags = [*_versions(tmp_path), _comparison(tmp_path / "c.json", nan, SAME)]
    done = Done(tmp_path, "parity", *flags, "--budget=max_absolute_difference=1000000")
    assert done.status == 1
    assert done.verdicts == {"max_absolute_difference": "FAIL"}
    assert "sample 0 of 2, output 'logits' [1]: nan, and 2.0 in the baseline" in done.lines[0]


def test_parity_to_the_bit(tmp_path: Path) -> None:
    flags = [*_versions(tmp_path), "--budget=max_absolute_difference=0", "--budget=max_relative_difference=0"]
    assert Done(tmp_path, "parity", *flags, _comparison(tmp_path / "c.json", SAME, SAME)).status == 0
    done = Done(tmp_path, "parity", *flags, _comparison(tmp_path / "c.json", NEAR, SAME))
    assert done.status == 1
    assert done.verdicts == {"max_absolute_difference": "FAIL", "max_relative_difference": "FAIL"}


def test_parity_names_the_worst_of_several_outputs(tmp_path: Path) -> None:
    mine, other = SAME | {"embedding": [[1], [2]]}, NEAR | {"embedding": [[1], [5]]}
    flags = [*_versions(tmp_path), _comparison(tmp_path / "c.json", mine, other)]
    done = Done(tmp_path, "parity", *flags, "--budget=max_absolute_difference=1", "--budget=min_agreement=1")
    assert "sample 1 of 2, output 'embedding' [0]: 2.0, and 5.0 in the baseline" in done.lines[0]
    assert "1 of 2 samples, output 'embedding'; first: sample 1" in done.lines[1]


def test_parity_of_models_with_other_outputs_is_an_error(tmp_path: Path) -> None:
    flags = [*_versions(tmp_path), _comparison(tmp_path / "c.json", SAME, {"scores": [[1, 2], [3, 4]]})]
    done = Done(tmp_path, "parity", *flags, "--budget=min_agreement=1")
    assert done.status == 1
    assert done.lines[0] == (
        "lepton: baseline //x:old in //x:new_parity_test: its outputs are scores, and those of //x:new logits. "
        "Compare with a model of the same outputs."
    )


def test_an_output_of_another_shape_fails(tmp_path: Path) -> None:
    flags = [*_versions(tmp_path), _comparison(tmp_path / "c.json", {"logits": [[1], [2]]}, SAME)]
    done = Done(tmp_path, "parity", *flags, "--budget=min_agreement=0.5")
    assert done.verdicts == {"min_agreement": "FAIL"}
    assert "output 'logits' is [2, 1], and the baseline's [2, 2]" in done.lines[0]
