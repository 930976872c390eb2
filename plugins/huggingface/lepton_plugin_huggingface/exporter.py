"""Exports an encoder as ONNX, canonically, and proves that the graph computes what transformers computes."""

from __future__ import annotations

import torch

from lepton_plugin_huggingface import encoder
from lepton_plugin_huggingface.config import ExportConfig
from lepton_rules.plugin import ExportContext, ModelFacts, TensorSpec, onnx_agreement, onnx_canonical, torch_to_onnx

_SEED = 20
# Texts and tokens: to trace with, and to compare on. A length that was taken for a constant shows in the others.
_TRACED = (2, 16)
_COMPARED = ((2, 16), (3, 21))


def to_onnx(context: ExportContext) -> ModelFacts:
    """Writes the model of `context` as `model.onnx` into its output. The signature, parameters and MACs stay.

    Raises:
        LeptonError: torch's exporter cannot express the model, gives another signature, or a graph whose output
            differs from transformers' by more than the tolerance.
    """
    config: ExportConfig = context.config
    torch.set_num_threads(context.threads)
    manifest = context.model.manifest
    inputs, outputs = ([TensorSpec.from_json(spec) for spec in manifest[side]] for side in ("inputs", "outputs"))
    axes = {axis: torch.export.Dim(str(name)) for axis, name in enumerate(inputs[0].shape)}
    with encoder.built(context.model.path) as module:
        model = torch_to_onnx.to_model(
            module,
            inputs,
            outputs,
            config.opset,
            args=encoder.samples(module, *_TRACED, seed=_SEED),
            dynamic_shapes=tuple(dict(axes) for _ in inputs),
        )
        for number, (texts, tokens) in enumerate(_COMPARED):
            given = encoder.samples(module, texts, tokens, seed=_SEED + number)
            onnx_agreement.check_outputs(
                model,
                {spec.name: tensor.numpy() for spec, tensor in zip(inputs, given, strict=True)},
                {outputs[0].name: encoder.run(module, given).numpy()},
                config.tolerance,
                framework="transformers",
                converter="torch",
            )
    onnx_canonical.save(model, context.output)
    return ModelFacts.from_manifest(manifest, notes={"opset": config.opset})
