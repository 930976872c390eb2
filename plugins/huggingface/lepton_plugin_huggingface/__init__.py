"""The plugin `huggingface`: folders of Hugging Face transformers, offline, and their way to ONNX."""

from __future__ import annotations

from collections.abc import Sequence

from lepton_plugin_huggingface.config import ExportConfig, ImportConfig
from lepton_rules.plugin import Exporter, Importer, hookimpl

__version__ = "0.1.0"


@hookimpl
def lepton_importers() -> Sequence[Importer]:
    """`huggingface`."""
    return [
        Importer(
            name="huggingface",
            produces="huggingface",
            config=ImportConfig,
            implementation="lepton_plugin_huggingface.importer:import_folder",
        )
    ]


@hookimpl
def lepton_exporters() -> Sequence[Exporter]:
    """`huggingface_to_onnx`."""
    return [
        Exporter(
            name="huggingface_to_onnx",
            consumes="huggingface",
            produces="onnx",
            config=ExportConfig,
            implementation="lepton_plugin_huggingface.exporter:to_onnx",
        )
    ]
