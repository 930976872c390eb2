"""Operator fusion for transformer encoders: attention, layer normalisation with its residual sum, Gelu with its bias.

The fusion is onnxruntime's for BERT (`onnxruntime.transformers`,
https://onnxruntime.ai/docs/performance/transformers-optimization.html). It makes operators of the domain
`com.microsoft`, which no other runtime has: the pass requires the capability `onnxruntime_operators`, so that hardware
of another runtime is refused before anything runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lepton_plugin_onnx.facts import operators_of
from lepton_plugin_onnx.files import read_model
from lepton_plugin_onnx.finish import finish
from lepton_plugin_onnx.graph_configs import FuseTransformerConfig
from lepton_plugin_onnx.native import quiet
from lepton_plugin_onnx.quantize import refuse_quantized
from lepton_plugin_onnx.shapes import skeleton_of
from lepton_rules.plugin import LeptonError, ModelFacts, PassContext

if TYPE_CHECKING:
    import onnx

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
        fused = _fuse(model, config, options)
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


def _fuse(model: onnx.ModelProto, config: FuseTransformerConfig, options: Any) -> onnx.ModelProto:
    from onnxruntime.transformers.onnx_model_bert import BertOnnxModel
    from onnxruntime.transformers.shape_infer_helper import SymbolicShapeInferenceHelper

    class Fusion(BertOnnxModel):  # type: ignore[misc]  # onnxruntime's tools have no types
        """onnxruntime's, with shapes inferred on the graph without its weights: it would copy them each time."""

        enable_shape_infer: bool
        shape_infer_helper: Any

        def infer_runtime_shape(self, dynamic_axis_mapping: dict[str, int] | None = None, update: bool = False) -> Any:
            if not self.enable_shape_infer:
                return None
            if self.shape_infer_helper is None or update:
                self.shape_infer_helper = SymbolicShapeInferenceHelper(skeleton_of(self.model))
            try:
                known = self.shape_infer_helper.infer(dynamic_axis_mapping or {})
            except Exception:  # it raises whatever sympy does
                known = self.enable_shape_infer = False
            return self.shape_infer_helper if known else None

    fusion = Fusion(model, config.num_heads, config.hidden_size)
    fusion.optimize(options)
    fusion.topological_sort()
    fused: onnx.ModelProto = fusion.model
    return fused
