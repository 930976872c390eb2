"""The plugin `jax`: functions of JAX and their weights, and their way to ONNX.

Only descriptors here; the code behind each, and JAX with it, is imported when it is used.
"""

from __future__ import annotations

from collections.abc import Sequence

from lepton_plugin_jax.config import ExportConfig, ImportConfig
from lepton_rules.plugin import Exporter, Importer, hookimpl

__version__ = "0.1.0"


@hookimpl
def lepton_importers() -> Sequence[Importer]:
    """The importer of functions."""
    return [
        Importer(
            name="jax",
            produces="jax",
            config=ImportConfig,
            implementation="lepton_plugin_jax.importer:import_function",
        )
    ]


@hookimpl
def lepton_exporters() -> Sequence[Exporter]:
    """The exporter to ONNX."""
    return [
        Exporter(
            name="jax_to_onnx",
            consumes="jax",
            produces="onnx",
            config=ExportConfig,
            implementation="lepton_plugin_jax.exporter:to_onnx",
        )
    ]
