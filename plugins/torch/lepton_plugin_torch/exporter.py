"""Exports a PyTorch module as ONNX, canonically, and proves that the graph computes what the module computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import onnx
import torch

from lepton_plugin_torch import signature
from lepton_plugin_torch.config import ExportConfig
from lepton_plugin_torch.exported_program import Exported, load_program
from lepton_plugin_torch.program import Program, built
from lepton_rules.plugin import ExportContext, ModelFacts, TensorSpec, onnx_agreement, onnx_canonical, torch_to_onnx
from lepton_rules.plugin.signature import lengths

_SEED = 20


def to_onnx(context: ExportContext) -> ModelFacts:
    """Writes the model of `context` as `model.onnx` into its output. The signature, parameters and MACs stay.

    Raises:
        LeptonError: torch's exporter cannot express the module, gives another signature, or a graph whose outputs
            differ from the module's by more than the tolerance.
    """
    config: ExportConfig = context.config
    torch.set_num_threads(context.threads)
    manifest = context.model.manifest
    program = Program.read(context.model.path)
    outputs = tuple(TensorSpec.from_json(spec) for spec in manifest["outputs"])
    with built(context.model.path, program) as module:
        model = _export(module, program, outputs, config.opset)
        # Twice, with other lengths: a dimension that was taken for a constant shows in the second.
        for choice in (0, 1):
            inputs = signature.samples(program.inputs, lengths(program.inputs, choice), _SEED + choice)
            expected = signature.run(module, inputs, program.outputs)
            _check_outputs(model, program.inputs, inputs, expected, config.tolerance)
    onnx_canonical.save(model, context.output)
    return ModelFacts.from_manifest(manifest, {"opset": config.opset})


def exported_to_onnx(context: ExportContext) -> ModelFacts:
    """Writes the exported program of `context` as `model.onnx`; otherwise as `to_onnx`."""
    config: ExportConfig = context.config
    torch.set_num_threads(context.threads)
    manifest = context.model.manifest
    exported, tensors = Exported.read(context.model.path)
    program, module = load_program(exported.program, tensors, onnx_agreement.WHAT)
    names = [spec.name for spec in exported.outputs]
    model = torch_to_onnx.to_model(program, exported.inputs, exported.outputs, config.opset)
    for choice in (0, 1):
        inputs = signature.samples(exported.inputs, lengths(exported.inputs, choice), _SEED + choice)
        _check_outputs(model, exported.inputs, inputs, signature.run(module, inputs, names), config.tolerance)
    onnx_canonical.save(model, context.output)
    return ModelFacts.from_manifest(manifest, {"opset": config.opset})


def _export(module: torch.nn.Module, program: Program, outputs: Sequence[TensorSpec], opset: int) -> onnx.ModelProto:
    dimensions: dict[str, Any] = {}
    shapes = tuple(
        {
            axis: dimensions.setdefault(name, torch.export.Dim(name))
            for axis, name in enumerate(spec.shape)
            if isinstance(name, str)
        }
        for spec in program.inputs
    )
    example = signature.samples(program.inputs, lengths(program.inputs, 0))
    return torch_to_onnx.to_model(module, program.inputs, outputs, opset, args=example, dynamic_shapes=shapes)


def _check_outputs(
    model: onnx.ModelProto,
    specs: Sequence[TensorSpec],
    inputs: Sequence[torch.Tensor],
    expected: Mapping[str, torch.Tensor],
    tolerance: float,
) -> None:
    feeds = {spec.name: tensor.numpy() for spec, tensor in zip(specs, inputs, strict=True)}
    wanted = {name: tensor.numpy() for name, tensor in expected.items()}
    onnx_agreement.check_outputs(model, feeds, wanted, tolerance, framework="torch", converter="torch")
