"""Writes the residual sums of a transformer as `Sum`, which a session leaves alone.

Before it runs a model, onnxruntime turns each `Add` before a `LayerNormalization` into its operator
`SkipLayerNormalization` (https://onnxruntime.ai/docs/performance/model-optimizations/graph-optimizations.html, extended
level). On a CPU that operator takes three times as long as the two that it replaces (onnxruntime 1.32, 384 channels,
AVX-512), and once the linear layers are int8 it is a fifth of an encoder's time. `Sum` of two tensors is the same
sum (https://onnx.ai/onnx/operators/onnx__Sum.html), in the same bytes, and no pattern of the session's.
"""

from __future__ import annotations

from lepton_plugin_onnx.files import read_model
from lepton_plugin_onnx.finish import finish
from lepton_plugin_onnx.graphs import readers_of
from lepton_rules.plugin import LeptonError, ModelFacts, PassContext

_WHAT = "pass onnx.residuals_as_sum"


def residuals_as_sum(context: PassContext) -> ModelFacts:
    """Writes the changed model, which gives the same bytes. LeptonError where no sum is normalised."""
    model = read_model(context.model.path)
    constants = {tensor.name for tensor in model.graph.initializer}
    readers = readers_of(model.graph)
    changed = []
    for node in model.graph.node:
        if node.op_type != "Add" or node.domain or constants & set(node.input):
            continue
        if any(reader.op_type == "LayerNormalization" for reader in readers.get(node.output[0], [])):
            node.op_type = "Sum"
            changed.append(node.name)
    if not changed:
        raise LeptonError(
            _WHAT,
            "the model has no LayerNormalization of a sum",
            "Leave it out, or put it before onnx.fuse_transformer, which takes the sums in",
        )
    return finish(model, context.output, {"sums": sorted(changed)})
