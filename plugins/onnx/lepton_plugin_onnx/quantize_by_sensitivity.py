"""Mixed precision: the layers that suffer most from 8 bits stay in floating point.

Each layer is quantized alone, and what that does to the model's outputs ranks it (see `sensitivity`). The worst stay in
floating point as far as the threshold asks for it and the budget of weights allows; all others are quantized as
onnx.quantize would.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lepton_plugin_onnx.finish import finish
from lepton_plugin_onnx.quantize import StaticQuantizer
from lepton_plugin_onnx.sensitivity import Layer, rank
from lepton_rules.plugin import LeptonError, ModelFacts, PassContext

if TYPE_CHECKING:
    from lepton_plugin_onnx.configs import QuantizeBySensitivityConfig

_WHAT = "pass onnx.quantize_by_sensitivity"


def quantize_by_sensitivity(context: PassContext) -> ModelFacts:
    """Writes the model in mixed precision. LeptonError as onnx.quantize, and where no layer has weights.

    The notes hold every layer's score and why it is in its precision.
    """
    config: QuantizeBySensitivityConfig = context.config
    quantizer = StaticQuantizer(context, "quantize_by_sensitivity")
    layers = rank(quantizer, config.metric, config.ranking_samples, set(config.exclude), context.threads)
    if not layers:
        raise LeptonError(_WHAT, "no layer with weights can be quantized", "Leave this pass out, or exclude less")
    decisions = decide(layers, config)
    kept = {name for name, decision in decisions.items() if decision["precision"] == "float"}
    exclude = kept | set(config.exclude)
    model = quantizer.take(exclude)
    notes = quantizer.notes(model, exclude)
    return finish(model, context.output, notes | {"metric": config.metric, "layers": decisions})


def decide(layers: Sequence[Layer], config: QuantizeBySensitivityConfig) -> dict[str, dict[str, Any]]:
    """Layer, the worst first, to its score, precision and reason."""
    total = sum(layer.weights for layer in layers)
    unit = " dB" if config.metric == "sqnr" else ""
    name = "SQNR" if config.metric == "sqnr" else "KL"
    used = 0
    decisions: dict[str, dict[str, Any]] = {}
    for layer in layers:
        alone = f"{name} {layer.score:g}{unit} when quantized alone"
        share = (used + layer.weights) / total
        enough = config.threshold is not None and (
            layer.score >= config.threshold if config.metric == "sqnr" else layer.score <= config.threshold
        )
        if enough:
            precision, why = "int8", f"{alone}, which keeps the threshold of {config.threshold:g}{unit}"
        elif share > config.max_float_share:
            precision = "int8"
            why = f"{alone}; in floating point it would bring the share of such weights to {share:.3g}, at most "
            why += f"{config.max_float_share:g} is allowed"
        else:
            used += layer.weights
            precision = "float"
            limit = (
                "among the worst"
                if config.threshold is None
                else f"which misses the threshold of {config.threshold:g}{unit}"
            )
            why = f"{alone}, {limit}"
        decisions[layer.name] = {"score": layer.score, "weights": layer.weights, "precision": precision, "why": why}
    return decisions
