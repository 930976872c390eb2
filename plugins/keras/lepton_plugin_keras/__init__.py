"""The plugin `keras`: Keras files and TensorFlow SavedModels, and their way to ONNX.

Only descriptors here; the code behind each, and TensorFlow with it, is imported when it is used.
"""

from __future__ import annotations

from collections.abc import Sequence

from lepton_plugin_keras.config import ExportConfig, ImportConfig
from lepton_rules.plugin import Exporter, Importer, hookimpl

__version__ = "0.1.0"


@hookimpl
def lepton_importers() -> Sequence[Importer]:
    """The importer of `.keras` and `.h5` files and of SavedModel directories."""
    return [
        Importer(
            name="keras",
            produces="keras",
            config=ImportConfig,
            implementation="lepton_plugin_keras.importer:import_keras",
            allows_code=True,
            saves={"keras.src.models.model.Model": "lepton_plugin_keras.memory:save"},
            loads="lepton_plugin_keras.memory:load",
        )
    ]


@hookimpl
def lepton_exporters() -> Sequence[Exporter]:
    """The exporter to ONNX."""
    return [
        Exporter(
            name="keras_to_onnx",
            consumes="keras",
            produces="onnx",
            config=ExportConfig,
            implementation="lepton_plugin_keras.exporter:to_onnx",
        )
    ]
