"""Import and export: the graph computes what scikit-learn computes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from estimators import ESTIMATORS, FEATURES, arrays, exporting, fitted, importing, saved
from lepton_plugin_sklearn import checkpoint, memory
from onnx.reference import ReferenceEvaluator

from lepton_rules.plugin import LeptonError, ModelDirectory, TensorSpec


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_outputs_are_those_of_scikit_learn(name: str, classes: int, tmp_path: Path) -> None:
    estimator = fitted(name, classes)
    facts = importing(saved(estimator, tmp_path / "model.bin"), tmp_path / "model")
    exporting(tmp_path / "model", facts, tmp_path / "onnx")
    model = onnx.load(tmp_path / "onnx/model.onnx")
    onnx.checker.check_model(model)
    samples, _ = arrays(7, 40)
    found = ReferenceEvaluator(model).run(None, {"x": samples})[0]
    for method in ("predict_proba", "decision_function", "predict", "transform"):
        if hasattr(estimator, method):
            wanted = np.asarray(getattr(estimator, method)(samples))
            break
    if method == "decision_function" and wanted.ndim == 1:
        wanted = np.stack([-wanted, wanted], axis=1)
    np.testing.assert_allclose(found, wanted.reshape(40, -1), rtol=0, atol=1e-4)
    assert facts.outputs == (TensorSpec(facts.outputs[0].name, "float32", ("batch", found.shape[1])),)
    if method in ("predict_proba", "decision_function"):
        # The place of the greatest score is the class.
        assert facts.outputs[0].name == "scores" and list(facts.notes["classes"]) == [str(c) for c in range(classes)]
        assert (found.argmax(axis=1) == estimator.predict(samples)).all()


def test_facts(tmp_path: Path) -> None:
    facts = importing(saved(fitted("logistic"), tmp_path / "m"), tmp_path / "model", input="signal", output="classes")
    assert facts.inputs == (TensorSpec("signal", "float32", ("batch", FEATURES)),)
    assert facts.outputs == (TensorSpec("classes", "float32", ("batch", 3)),)
    # A mean, a variance and a scale of each feature; three rows of coefficients and biases.
    assert facts.parameters == 3 * FEATURES + 3 * (FEATURES + 1) and facts.macs is None
    exporting(tmp_path / "model", facts, tmp_path / "onnx")
    model = onnx.load(tmp_path / "onnx/model.onnx")
    assert [value.name for value in (*model.graph.input, *model.graph.output)] == ["signal", "classes"]
    assert {entry.domain: entry.version for entry in model.opset_import}[""] == 18


def test_same_bytes_twice(tmp_path: Path) -> None:
    found = set()
    source = saved(fitted("forest"), tmp_path / "model.bin")
    for run in ("a", "b"):
        facts = importing(source, tmp_path / run)
        exporting(tmp_path / run, facts, tmp_path / f"{run}.onnx")
        found.add((tmp_path / f"{run}.onnx/model.onnx").read_bytes())
    assert len(found) == 1


def test_an_estimator_in_memory_is_imported_and_given_back(tmp_path: Path) -> None:
    estimator = fitted("forest")
    (tmp_path / "saved").mkdir()
    written = memory.save(estimator, tmp_path / "saved", {"input": "signal"})
    facts = importing(written.sources[0], tmp_path / "model", **written.config)
    assert facts.inputs[0].name == "signal"
    again = memory.load(ModelDirectory(path=tmp_path / "model", manifest={}))
    samples, _ = arrays(7)
    np.testing.assert_array_equal(again.predict_proba(samples), estimator.predict_proba(samples))


def test_tolerance(tmp_path: Path) -> None:
    """Nothing is as exact as this."""
    facts = importing(saved(fitted("logistic"), tmp_path / "m"), tmp_path / "model")
    with pytest.raises(LeptonError, match="differs from scikit-learn's by"):
        exporting(tmp_path / "model", facts, tmp_path / "onnx", tolerance=0.0)
    assert not (tmp_path / "onnx/model.onnx").exists()


TRAINS = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[3:]
from estimators import ESTIMATORS, arrays
from lepton_plugin_sklearn import checkpoint
checkpoint.prepare(7, 1)
samples, labels = arrays()
estimator = ESTIMATORS[sys.argv[1]]()
for name in estimator.get_params():
    if name.endswith("random_state"):
        estimator.set_params(**{name: None})
checkpoint.save(estimator.fit(samples, labels), Path(sys.argv[2]), "training")
"""


@pytest.mark.parametrize("name", ["forest", "perceptron", "boosting"])
def test_training_gives_the_same_bytes_in_every_process(name: str, tmp_path: Path) -> None:
    """Of estimators that draw random numbers and have no `random_state`; what was written is imported and computes."""
    found = set()
    for seed in ("0", "77"):
        path = tmp_path / f"{seed}.skops"
        words = [sys.executable, "-c", TRAINS, name, str(path), str(Path(__file__).parent), *sys.path]
        subprocess.run(words, env={**os.environ, "PYTHONHASHSEED": seed}, check=True, timeout=60)
        found.add(path.read_bytes())
    assert len(found) == 1
    facts = importing(path, tmp_path / "model")
    again = memory.load(ModelDirectory(path=tmp_path / "model", manifest={}))
    samples, labels = arrays()
    assert again.score(samples, labels) > 0.5 and facts.parameters > 0


@pytest.mark.parametrize(
    ("value", "why"),
    [({"a": np.zeros(2)}, "it gave dict"), (ESTIMATORS["logistic"](), "not fitted"), (None, "it gave NoneType")],
    ids=["arrays", "not fitted", "nothing"],
)
def test_a_checkpoint_of_something_else(value: Any, why: str, tmp_path: Path) -> None:
    with pytest.raises(LeptonError, match=why):
        checkpoint.save(value, tmp_path / "x.skops", "training")
    assert not (tmp_path / "x.skops").exists()
