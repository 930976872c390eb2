"""Operator fusion for transformer encoders: attention, layer normalisation with its residual sum, Gelu with its bias.

The fusion is onnxruntime's for BERT (`onnxruntime.transformers`,
https://onnxruntime.ai/docs/performance/transformers-optimization.html). It makes operators of the domain
`com.microsoft`, which no other runtime has: the pass requires the capability `onnxruntime_operators`, so that hardware
of another runtime is refused before anything runs.
"""

from __future__ import annotations

from lepton_plugin_onnx.facts import operators_of
from lepton_plugin_onnx.files import read_model
from lepton_plugin_onnx.finish import finish
from lepton_plugin_onnx.graph_configs import FuseTransformerConfig
from lepton_plugin_onnx.native import quiet
from lepton_plugin_onnx.quantize import refuse_quantized
from lepton_rules.plugin import LeptonError, ModelFacts, PassContext

_WHAT = "pass onnx.fuse_transformer"
# What the fusion makes, with the domain as `operators_of` writes it. LayerNormalization is ONNX's own from
# operator set 17 on, and may have been there before.
_FUSED = (
    "LayerNormalization",
    "com.microsoft.Attention",
    "com.microsoft.BiasGelu",
    "com.microsoft.EmbedLayerNormalization",
    "com.microsoft.FastGelu",
    "com.microsoft.Gelu",
    "com.microsoft.MultiHeadAttention",
    "com.microsoft.SkipLayerNormalization",
)


def fuse_transformer(context: PassContext) -> ModelFacts:
    """Writes the fused model. LeptonError where it is quantized already or nothing of it can be fused."""
    from onnxruntime.transformers.fusion_options import FusionOptions
    from onnxruntime.transformers.optimizer import optimize_by_fusion

    config: FuseTransformerConfig = context.config
    model = read_model(context.model.path)
    refuse_quantized(model, _WHAT)
    names = [[value.name for value in values] for values in (model.graph.input, model.graph.output)]
    before = operators_of(model)
    nodes_before = sum(before.values())
    options = FusionOptions("bert")
    options.enable_attention = config.attention
    options.enable_gelu = options.enable_bias_gelu = config.gelu
    options.enable_layer_norm = config.layer_norm
    options.enable_skip_layer_norm = options.enable_bias_skip_layer_norm = config.layer_norm
    options.enable_embed_layer_norm = config.embeddings
    options.use_raw_attention_mask(config.attention_mask == "any")
    with quiet():
        fused = optimize_by_fusion(model, "bert", config.num_heads, config.hidden_size, options).model
    if [[value.name for value in values] for values in (fused.graph.input, fused.graph.output)] != names:
        raise LeptonError(_WHAT, "onnxruntime changed the model's signature", "Leave this pass out")
    after = operators_of(fused)
    made = {name: after[name] - before.get(name, 0) for name in _FUSED if after.get(name, 0) > before.get(name, 0)}
    if not made:
        raise LeptonError(
            _WHAT,
            "nothing of the model looks like a BERT encoder's attention, layer normalisation or Gelu",
            "Put onnx.optimize before this pass, so that constants are folded, or leave it out",
        )
    if "com.microsoft" not in {entry.domain for entry in fused.opset_import}:
        fused.opset_import.add(domain="com.microsoft", version=1)
    notes = {"fused": made, "nodes_before": nodes_before, "nodes_after": sum(after.values())}
    return finish(fused, context.output, notes)
