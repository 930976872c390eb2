"""Quantization-aware training: fine-tunes the model while its weights and activations are rounded as int8 will be.

What comes out is the model in float with weights that bear rounding well; `onnx.quantize`, later in the recipe,
makes the integers. The rounding and its sources stand in `fake_quantize.py`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from lepton_plugin_torch import signature, surgery, training
from lepton_plugin_torch.fake_quantize import ActivationRounding, WeightRounding
from lepton_plugin_torch.pass_configs import QuantizeAwareTrainingConfig
from lepton_plugin_torch.program import Program, built
from lepton_rules.plugin import LeptonError, ModelFacts, PassContext
from lepton_rules.plugin.signature import lengths

_WHAT = "pass torch.quantize_aware_training"
_LAYERS = (nn.modules.conv._ConvNd, nn.Linear)


def quantize_aware_training(context: PassContext) -> ModelFacts:
    """Writes the trained model.

    Raises:
        LeptonError: an excluded layer is not there, there is none to round, or the samples do not fit.
    """
    config: QuantizeAwareTrainingConfig = context.config
    program = surgery.begin(context)
    samples = training.read_samples(context.slots.get("train"), program.inputs, _WHAT, labels=True)
    with built(context.model.path, program) as module:
        shapes = surgery.shapes_of(module)
        surgery.require_layers(module, config.exclude, _WHAT)
        layers = {
            name: layer
            for name, layer in module.named_modules()
            if isinstance(layer, _LAYERS) and not surgery.is_in(name, config.exclude)
        }
        if not layers:
            raise LeptonError(_WHAT, "the model has no convolution and no linear layer to round", "Leave the pass out")
        norms = _norms(module, program)
        roundings = {}
        hooks = []
        for name, layer in layers.items():
            axis = (1 if getattr(layer, "transposed", False) else 0) if config.per_channel else None
            rounding = WeightRounding(config.weight_bits, axis, norms.get(layer))
            parametrize.register_parametrization(layer, "weight", rounding)
            roundings[name] = ActivationRounding(config.activation_bits, config.activation_symmetric)
            hooks.append(layer.register_forward_pre_hook(roundings[name]))
        notes = {
            "rounded": list(layers),
            "folded_norms": sum(layer in norms for layer in layers.values()),
            "training": training.tune(module, program, samples, config, context.seed, _WHAT),
        }
        for hook in hooks:
            hook.remove()
        for layer in layers.values():
            parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
        notes["activation_ranges"] = {
            name: [float(f"{value:.6g}") for value in rounding.range or ()] for name, rounding in roundings.items()
        }
        return surgery.finish(context, module, program, shapes, notes, _WHAT)


def _norms(module: nn.Module, program: Program) -> dict[nn.Module, nn.Module]:
    """For each convolution or linear layer the batch normalization that reads its output as it is."""
    makers: dict[int, nn.Module] = {}
    alive: list[Tensor] = []  # so that no two tensors have one id
    found: dict[nn.Module, nn.Module] = {}

    def made(layer: nn.Module, inputs: Any, output: Tensor) -> None:
        alive.append(output)
        makers[id(output)] = layer

    def read(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        maker = makers.get(id(inputs[0]))
        if maker is not None and norm.running_var is not None:
            found[maker] = norm

    hooks = []
    for layer in module.modules():
        if isinstance(layer, _LAYERS):
            hooks.append(layer.register_forward_hook(made))
        elif isinstance(layer, nn.modules.batchnorm._BatchNorm):
            hooks.append(layer.register_forward_pre_hook(read))
    try:
        with torch.no_grad():
            signature.run(module.eval(), signature.samples(program.inputs, lengths(program.inputs, 0)), program.outputs)
    finally:
        for hook in hooks:
            hook.remove()
    return found
