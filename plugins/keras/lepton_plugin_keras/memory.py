"""Keras models in memory, for who works in Python: how one becomes the files of the importer, and the reverse."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lepton_plugin_keras import checkpoint, network
from lepton_rules.plugin import LeptonError, ModelDirectory, SavedModel


def save(model: Any, directory: Path, config: Mapping[str, Any]) -> SavedModel:
    """Writes a keras.Model into `directory` as a `.keras` file."""
    path = directory / "model.keras"
    checkpoint.save(model, path, "keras model")
    return SavedModel(sources=(path,), config=dict(config))


def load(model: ModelDirectory) -> Any:
    """The keras.Model of a model of the format `keras`.

    Raises:
        LeptonError: it came from a SavedModel, which has no layers.
    """
    if not (model.path / network.CONFIG_FILE).exists():
        raise LeptonError(
            "keras model", "it came from a SavedModel, which is a graph", "Load it with tf.saved_model.load"
        )
    with network.keras_model(model.path) as found:
        return found
