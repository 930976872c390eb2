"""The plugin `sklearn`: scikit-learn's estimators and pipelines, and their way to ONNX.

Only descriptors here; the code behind each is imported when it is used.
"""

from __future__ import annotations

from collections.abc import Sequence

from lepton_plugin_sklearn.config import ExportConfig, ImportConfig
from lepton_rules.plugin import Exporter, Importer, hookimpl

__version__ = "0.1.0"


@hookimpl
def lepton_importers() -> Sequence[Importer]:
    """The importer of skops files."""
    return [
        Importer(
            name="sklearn",
            produces="sklearn",
            config=ImportConfig,
            implementation="lepton_plugin_sklearn.importer:import_estimator",
            saves={"sklearn.base.BaseEstimator": "lepton_plugin_sklearn.memory:save"},
            loads="lepton_plugin_sklearn.memory:load",
        )
    ]


@hookimpl
def lepton_exporters() -> Sequence[Exporter]:
    """The exporter to ONNX."""
    return [
        Exporter(
            name="sklearn_to_onnx",
            consumes="sklearn",
            produces="onnx",
            config=ExportConfig,
            implementation="lepton_plugin_sklearn.exporter:to_onnx",
        )
    ]
