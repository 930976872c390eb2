"""The plugin `torch`: PyTorch modules, their checkpoints, and their way to ONNX."""

from __future__ import annotations

from collections.abc import Sequence

from lepton_plugin_torch.config import ExportArchiveConfig, ExportConfig, ImportConfig
from lepton_plugin_torch.pass_configs import (
    DistillConfig,
    PruneChannelsConfig,
    PruneMagnitudeConfig,
    PruneNMConfig,
    QuantizeAwareTrainingConfig,
)
from lepton_rules.plugin import Exporter, Importer, Pass, Slot, hookimpl

__version__ = "0.1.0"


@hookimpl
def lepton_importers() -> Sequence[Importer]:
    return [
        Importer(
            name="pytorch",
            produces="pytorch",
            allows_code=True,
            config=ImportConfig,
            implementation="lepton_plugin_torch.importer:import_module",
            saves={"torch.nn.modules.module.Module": "lepton_plugin_torch.memory:save"},
            loads="lepton_plugin_torch.memory:load",
        ),
        Importer(
            name="torch_export",
            produces="torch_export",
            config=ExportArchiveConfig,
            implementation="lepton_plugin_torch.export_archive:import_archive",
            saves={"torch.export.exported_program.ExportedProgram": "lepton_plugin_torch.memory:save_exported"},
            loads="lepton_plugin_torch.memory:load_exported",
        ),
    ]


_TUNING = Slot(name="train", required=False, doc="Samples with labels, for fine-tuning.")


@hookimpl
def lepton_passes() -> Sequence[Pass]:
    def changing(name: str, config: type, module: str, *slots: Slot) -> Pass:
        return Pass(
            name=name,
            consumes="pytorch",
            produces="pytorch",
            slots=slots,
            config=config,
            implementation=f"lepton_plugin_torch.{module}:{name}",
        )

    return [
        changing(
            "distill",
            DistillConfig,
            "distill",
            Slot(name="teacher", kind="model", doc="The model to learn from, in format pytorch."),
            Slot(name="train", doc="Samples, and labels where label_weight is not 0."),
        ),
        changing("prune_channels", PruneChannelsConfig, "prune_channels", _TUNING),
        changing("prune_magnitude", PruneMagnitudeConfig, "prune_weights", _TUNING),
        changing("prune_n_m", PruneNMConfig, "prune_weights", _TUNING),
        changing(
            "quantize_aware_training",
            QuantizeAwareTrainingConfig,
            "quantize_aware_training",
            Slot(name="train", doc="Samples with labels."),
        ),
    ]


@hookimpl
def lepton_exporters() -> Sequence[Exporter]:
    return [
        Exporter(
            name="pytorch_to_onnx",
            consumes="pytorch",
            produces="onnx",
            config=ExportConfig,
            implementation="lepton_plugin_torch.exporter:to_onnx",
        ),
        Exporter(
            name="torch_export_to_onnx",
            consumes="torch_export",
            produces="onnx",
            config=ExportConfig,
            implementation="lepton_plugin_torch.exporter:exported_to_onnx",
        ),
    ]
