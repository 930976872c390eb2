"""What the contract kit tries the plugin on."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
from lepton_plugin_torch.exported_program import Exported
from lepton_plugin_torch.program import Program
from networks import (
    FACTORY,
    INPUTS,
    RESIDUAL,
    importing,
    importing_archive,
    module_in,
    write_archive,
    write_files,
    write_samples,
)

from lepton_rules.plugin import TensorSpec
from lepton_rules.plugin.contract import SampleImport, SampleModel, Samples

COST_TABLE = json.dumps(
    {
        "version": 1,
        "channel_multiple": 4,
        "overhead_us": 1.0,
        "convolution": [[1000, 2.0], [100000, 12.0]],
        "linear": [[10, 1.0], [1000, 2.0]],
    }
)

_TERMS = ("response", "label", "hint", "attention", "distance", "angle")


def write(directory: Path) -> Samples:
    """A small residual network, and samples that it can learn."""
    files = write_files(directory, {"net.py": RESIDUAL}, module_in(directory, RESIDUAL).state_dict())
    facts = importing(files, directory / "model", outputs=("logits",))
    config = {"factory": FACTORY, "inputs": INPUTS, "outputs": ("logits",)}
    dataset = write_samples(directory / "samples.npz")
    archive = write_archive(directory / "net.pt2", module_in(directory, RESIDUAL))
    exported = importing_archive(archive, directory / "exported")
    return Samples(
        models={
            "pytorch": SampleModel(path=directory / "model", facts=facts, dataset=dataset),
            "torch_export": SampleModel(path=directory / "exported", facts=exported),
        },
        imports={
            "pytorch": SampleImport(sources=files.sources, weights=(files.weights,), config=config),
            "torch_export": SampleImport(sources=(archive,)),
        },
        configs={
            "passes.distill": [
                {"epochs": 1, "response": "mse", "label_loss": "focal", "mixup": 0.5, "optimizer": "adamw"},
                {
                    "epochs": 1,
                    "features": ["blocks.0", "blocks.1=blocks.1"],
                    "hint_weight": 1.0,
                    "attention_weight": 10.0,
                    "distance_weight": 1.0,
                    "angle_weight": 1.0,
                },
            ],
            "passes.prune_n_m": [{"n": 1, "m": 2, "epochs": 1}],
            "passes.quantize_aware_training": [{"epochs": 1, "per_channel": False, "weight_bits": 7}],
            "passes.prune_channels": [
                {"importance": "taylor", "macs_ratio": 0.5, "round_to": 2, "epochs": 1},
                {"importance": "l1", "scope": "model", "max_latency_us": 20, "cost_table": COST_TABLE, "round_to": 1},
            ],
        },
        refused={
            "passes.distill": [
                {"features": ["blocks.7"], "hint_weight": 1.0},
                {"features": [], "hint_weight": 1.0},
                {f"{term}_weight": 0 for term in _TERMS},
            ],
            "passes.prune_channels": [
                {"exclude": ["sten"]},
                {"ratio": 0.5, "macs_ratio": 0.5},
                {"max_latency_us": 1.0, "cost_table": "{}"},
                {"macs_ratio": 0.0001},
            ],
            "importers.pytorch": [
                {**config, "factory": "net:Nett"},
                {**config, "kwargs": "[]"},
                {**config, "inputs": ("x:float32:batch,2,8,8",)},
            ],
            "importers.torch_export": [{"outputs": ["a", "b"]}],
            "exporters.pytorch_to_onnx": [{"opset": 17}],
            "exporters.torch_export_to_onnx": [{"opset": 17}],
        },
        signature="samples:signature",
    )


def signature(format: str, path: Path) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """What the files themselves say: the graph's own inputs and outputs, or the program's."""
    if format == "pytorch":
        return Program.read(path).inputs, (TensorSpec("logits", "float32", ("batch", 3)),)
    if format == "torch_export":
        exported, _ = Exported.read(path)
        return exported.inputs, exported.outputs
    graph = onnx.load(path / "model.onnx").graph

    def specs(values: list[onnx.ValueInfoProto]) -> tuple[TensorSpec, ...]:
        return tuple(
            TensorSpec(
                value.name,
                onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type).name,
                tuple(d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim),
            )
            for value in values
        )

    return specs(list(graph.input)), specs(list(graph.output))
