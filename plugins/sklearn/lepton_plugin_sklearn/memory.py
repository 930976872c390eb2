"""Estimators in memory, for who works in Python: how one becomes the file of the importer, and the reverse."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import skops.io

from lepton_plugin_sklearn.estimator import MODEL_FILE
from lepton_plugin_sklearn.importer import TRUST_FILE
from lepton_plugin_sklearn.skops_file import load as load_file
from lepton_rules.plugin import ModelDirectory, SavedModel


def save(estimator: Any, directory: Path, config: Mapping[str, Any]) -> SavedModel:
    """Writes a fitted estimator into `directory` as a skops file."""
    path = directory / MODEL_FILE
    skops.io.dump(estimator, path)
    return SavedModel(sources=(path,), config=dict(config))


def load(model: ModelDirectory) -> Any:
    """The estimator of a model of the format `sklearn`."""
    trusted = json.loads((model.path / TRUST_FILE).read_text("utf-8"))["trusted"]
    return load_file(model.path / MODEL_FILE, tuple(trusted), "sklearn model")
