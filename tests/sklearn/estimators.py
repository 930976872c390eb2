"""Small fitted pipelines, and the plugin's components called as an action calls them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import skops.io
from sklearn.decomposition import PCA
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC, LinearSVC

from lepton_rules.plugin import ExportContext, ImportContext, ModelDirectory, ModelFacts, parse_config
from lepton_rules.plugin.manager import load

FEATURES = 5


def arrays(seed: int = 0, count: int = 60) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Samples and their classes, 0 to 2."""
    generator = np.random.default_rng(seed)
    samples = generator.standard_normal((count, FEATURES)).astype(np.float32)
    return samples, (samples[:, 0] > 0.4).astype(int) + (samples[:, 1] + samples[:, 2] > 0)


ESTIMATORS: dict[str, Any] = {
    "logistic": lambda: make_pipeline(StandardScaler(), LogisticRegression()),
    "forest": lambda: make_pipeline(MinMaxScaler(), RandomForestClassifier(5, max_depth=4, random_state=0)),
    "perceptron": lambda: MLPClassifier((6,), max_iter=20, random_state=0),
    "vectors": lambda: make_pipeline(StandardScaler(), SVC(random_state=0)),
    "linear vectors": lambda: LinearSVC(random_state=0),
    "ridge": lambda: make_pipeline(PCA(3, random_state=0), Ridge()),
    "boosting": lambda: GradientBoostingRegressor(n_estimators=4, random_state=0),
    "components": lambda: make_pipeline(StandardScaler(), PCA(2, random_state=0)),
}


def fitted(name: str, classes: int = 3) -> Any:
    """An estimator of ESTIMATORS, fitted."""
    samples, labels = arrays()
    return ESTIMATORS[name]().fit(samples, np.minimum(labels, classes - 1))


def saved(estimator: Any, path: Path) -> Path:
    """Where skops has written an estimator; the file's name says nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    skops.io.dump(estimator, path)
    return path


def importing(source: Path, directory: Path, **config: Any) -> ModelFacts:
    """Imports into `directory` with the plugin's importer."""
    plugin = load("sklearn", "lepton_plugin_sklearn")
    descriptor = plugin.find("importers", "sklearn")
    directory.mkdir(parents=True, exist_ok=True)
    facts = plugin.resolve(descriptor)(  # type: ignore[arg-type]
        ImportContext(
            label="//tests:model",
            config=parse_config(descriptor.config, config),  # type: ignore[union-attr]
            sources=(source,),
            weights=(),
            allow_code=False,
            output=directory,
        )
    )
    assert isinstance(facts, ModelFacts)
    return facts


def exporting(model: Path, facts: ModelFacts, output: Path, **config: Any) -> ModelFacts:
    """Exports the imported model at `model` into `output`."""
    plugin = load("sklearn", "lepton_plugin_sklearn")
    descriptor = plugin.find("exporters", "sklearn_to_onnx")
    output.mkdir(parents=True, exist_ok=True)
    manifest = {
        "format": "sklearn",
        "inputs": [spec.to_json() for spec in facts.inputs],
        "outputs": [spec.to_json() for spec in facts.outputs],
        "parameters": facts.parameters,
        "macs": facts.macs,
    }
    found = plugin.resolve(descriptor)(  # type: ignore[arg-type]
        ExportContext(
            label="//tests:model",
            config=parse_config(descriptor.config, config),  # type: ignore[union-attr]
            model=ModelDirectory(path=model, manifest=manifest),
            hardware=None,
            output=output,
        )
    )
    assert isinstance(found, ModelFacts)
    return found
