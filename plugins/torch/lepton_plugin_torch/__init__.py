"""The plugin `torch`: PyTorch modules, their checkpoints, and their way to ONNX."""

from __future__ import annotations

from collections.abc import Sequence

from lepton_plugin_torch.config import ExportConfig, ImportConfig
from lepton_plugin_torch.pass_configs import DistillConfig, PruneChannelsConfig
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
        )
    ]


@hookimpl
def lepton_passes() -> Sequence[Pass]:
    return [
        Pass(
            name="distill",
            consumes="pytorch",
            produces="pytorch",
            slots=(
                Slot(name="teacher", kind="model", doc="The model to learn from, in format pytorch."),
                Slot(name="train", doc="Samples, and labels where label_weight is not 0."),
            ),
            config=DistillConfig,
            implementation="lepton_plugin_torch.distill:distill",
        ),
        Pass(
            name="prune_channels",
            consumes="pytorch",
            produces="pytorch",
            slots=(Slot(name="train", required=False, doc="For fine-tuning and for the importance taylor."),),
            config=PruneChannelsConfig,
            implementation="lepton_plugin_torch.prune_channels:prune_channels",
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
        )
    ]
