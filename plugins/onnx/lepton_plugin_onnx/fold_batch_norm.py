"""Folds batch normalisation into the linear operator before it.

At inference, batch normalisation is y = gamma (x - mean) / sqrt(var + epsilon) + beta with constants (S. Ioffe and
C. Szegedy, "Batch Normalization", 2015, algorithm 2). With x = W v + b it is one linear operator of weights a W and
bias a (b - mean) + beta, a = gamma / sqrt(var + epsilon), for each output channel (B. Jacob et al., "Quantization and
Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", 2018, section 3.2). It is computed in
float64 and rounded once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lepton_plugin_onnx.constants import Constants
from lepton_plugin_onnx.files import read_model
from lepton_plugin_onnx.finish import finish
from lepton_plugin_onnx.graphs import readers_of
from lepton_plugin_onnx.selection import require_nodes
from lepton_rules.plugin import LeptonError, ModelFacts, PassContext

if TYPE_CHECKING:
    import onnx

    from lepton_plugin_onnx.graph_configs import FoldBatchNormConfig

_WHAT = "pass onnx.fold_batch_norm"
_LINEAR = ("Conv", "ConvTranspose", "Gemm", "MatMul")


def fold_batch_norm(context: PassContext) -> ModelFacts:
    """Writes the folded model. LeptonError where a name is unknown or the model has no batch normalisation.

    What cannot be folded stays, and the notes say why.
    """
    config: FoldBatchNormConfig = context.config
    model = read_model(context.model.path)
    norms = [node.name for node in model.graph.node if node.op_type == "BatchNormalization"]
    if not norms:
        raise LeptonError(_WHAT, "the model has no batch normalisation", "Leave this pass out")
    require_nodes(model, config.exclude, "fold_batch_norm")
    folded, left = [], {}
    for name in norms:
        why = "it is excluded" if name in config.exclude else _fold(model, name)
        if why:
            left[name] = why
        else:
            folded.append(name)
    return finish(model, context.output, {"folded": folded, "left": left})


def _fold(model: onnx.ModelProto, name: str) -> str:
    """Folds one normalisation, or says why not."""
    graph = model.graph
    norm = next(node for node in graph.node if node.name == name)
    makers = {output: node for node in graph.node for output in node.output}
    linear = makers.get(norm.input[0])
    constants = Constants(graph)
    outputs = {value.name for value in graph.output}
    if linear is None or linear.op_type not in _LINEAR or linear.domain:
        return f"before it stands {linear.op_type if linear is not None else 'an input'}, which is not linear"
    if len(readers_of(graph)[norm.input[0]]) > 1 or norm.input[0] in outputs:
        return f"{linear.name!r} has other readers"
    if any(attribute.name == "training_mode" and attribute.i for attribute in norm.attribute) or norm.output[1:]:
        return "it is in training mode"
    if any(source not in constants for source in norm.input[1:]):
        return "its statistics are no constants"
    if linear.input[1] not in constants or (linear.input[2:] and linear.input[2] not in constants):
        return f"the weights of {linear.name!r} are no constants"
    return _rewrite(graph, linear, norm, constants)


def _rewrite(graph: onnx.GraphProto, linear: onnx.NodeProto, norm: onnx.NodeProto, constants: Constants) -> str:
    import numpy as np
    from onnx import helper

    attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in linear.attribute}
    epsilon = next((attribute.f for attribute in norm.attribute if attribute.name == "epsilon"), 1e-5)
    gamma, beta, mean, variance = (constants.values(n).astype(np.float64) for n in norm.input[1:5])
    stored = constants.values(linear.input[1])
    if stored.dtype != np.float32 and stored.dtype != np.float64:
        return f"the weights of {linear.name!r} are {stored.dtype}"
    factor = gamma / np.sqrt(variance + epsilon)
    axis, groups = _output_axis(linear, attributes, stored.ndim)
    if axis is None:
        return f"{linear.name!r} has weights of rank {stored.ndim}"
    if linear.op_type == "ConvTranspose" and groups > 1:
        # Weights are [C, M / groups, k...]: the rows of one group make that group's channels.
        spread = np.repeat(factor.reshape(groups, -1), stored.shape[0] // groups, axis=0)
        scale = spread.reshape(stored.shape[0], -1, *[1] * (stored.ndim - 2))
    else:
        scale = factor.reshape([-1 if place == axis else 1 for place in range(stored.ndim)])
    bias = np.float64(0.0)
    if len(linear.input) > 2 and linear.input[2]:
        bias = constants.values(linear.input[2]).astype(np.float64) * attributes.get("beta", 1.0)
        if bias.ndim > 1 or bias.size not in (1, factor.size):
            return f"the bias of {linear.name!r} differs from sample to sample"
        bias = bias.reshape(-1)
    weights = (stored.astype(np.float64) * scale).astype(stored.dtype)
    shift = (np.broadcast_to((bias - mean) * factor + beta, factor.shape)).astype(stored.dtype)

    constants.replace(linear, 1, weights)
    bias_name = constants.add(f"{linear.name}_bias", shift)
    if linear.op_type == "MatMul":
        norm.CopyFrom(helper.make_node("Add", [linear.output[0], bias_name], [norm.output[0]], norm.name))
        return ""
    del linear.input[2:]
    linear.input.append(bias_name)
    kept = [attribute for attribute in linear.attribute if attribute.name != "beta"]
    kept = [type(attribute).FromString(attribute.SerializeToString()) for attribute in kept]
    del linear.attribute[:]
    linear.attribute.extend(kept)
    linear.output[0] = norm.output[0]
    graph.node.remove(norm)
    return ""


def _output_axis(linear: onnx.NodeProto, attributes: dict[str, Any], rank: int) -> tuple[int | None, int]:
    """The axis of the weights that counts output channels, and the number of groups."""
    if linear.op_type == "Conv":
        return 0, 1
    if linear.op_type == "ConvTranspose":
        return 1, attributes.get("group", 1)
    if linear.op_type == "Gemm":
        return (0 if attributes.get("transB", 0) else 1), 1
    return (1 if rank == 2 else None), 1
