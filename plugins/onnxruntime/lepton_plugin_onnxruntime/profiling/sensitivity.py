"""What the outputs of a model in floating point lose when one layer alone gets 8-bit weights and activations.

The usual measure for choosing precisions layer by layer (M. Nagel et al., "A White Paper on Neural Network
Quantization", arXiv 2106.08295, section 3.6), on a graph in which each layer's data x is x + m (q(x) - x), with q the
rounding to 8 bits and m an input, 0 for all layers but one: one session serves for all of them. Weights are rounded
symmetrically, each output channel with its own scale; activations to 256 values between their extremes on the samples.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lepton_rules.plugin import ModelDirectory
from lepton_rules.plugin.onnx_canonical import MODEL_FILE
from lepton_rules.profile.protocol import Sensitivity

if TYPE_CHECKING:
    import numpy as np
    import onnx

    Array = np.ndarray[Any, Any]

_LIMIT_DB = 200.0  # where nothing changes
_LARGEST = 900 << 20  # weights are twice in the graph, and protobuf holds at most 2 GiB
_SWITCH = "lepton.on."
_LAYERS = ("Conv", "Gemm", "MatMul")


def sensitivity(model: ModelDirectory, inputs: Mapping[str, Array], threads: int) -> list[Sensitivity]:
    """Of each convolution and matrix product with constant float32 weights, the worst first. None of a model above
    900 MiB, which onnxruntime would not take twice in one message.

    Args:
      inputs: the model's inputs by name, as many samples as it takes at once.
    """
    import numpy as np
    import onnx

    if model.manifest["bytes"] > _LARGEST:
        return []
    proto = onnx.load(str(model.path / MODEL_FILE))
    chosen = _chosen(proto.graph)
    if not chosen:
        return []
    ranges = _ranges(proto, sorted({node.input[0] for node in chosen}), inputs, threads)
    weights = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}
    rounded = {node.name: _round_weights(node, weights[node.input[1]]) for node in chosen}
    outputs = [value.name for value in proto.graph.output]
    names = [node.name for node in chosen]
    _add_switches(proto, chosen, ranges)
    session = _session(proto, threads)
    off = {f"{_SWITCH}{name}": np.zeros((), np.float32) for name in names}
    before = session.run(outputs, {**inputs, **off})
    found = []
    for name in names:
        switched = {f"{_SWITCH}{name}": np.ones((), np.float32), f"{name}.weights": rounded[name]}
        after = session.run(outputs, {**inputs, **off, **switched})
        found.append(Sensitivity(layer=name, sqnr_db=sqnr_db(before, after)))
    return sorted(found, key=lambda one: one.sqnr_db)


def sqnr_db(before: list[Array], after: list[Array]) -> float:
    """Of all outputs in floating point together, in dB, between -200 and 200."""
    import numpy as np

    signal = noise = 0.0
    for was, now in zip(before, after, strict=True):
        if was.dtype.kind == "f":
            signal += float(np.square(was, dtype=np.float64).sum())
            noise += float(np.square(was.astype(np.float64) - now).sum())
    if not noise:
        return _LIMIT_DB
    return round(max(min(10 * math.log10(signal / noise), _LIMIT_DB), -_LIMIT_DB), 2) if signal else -_LIMIT_DB


def _chosen(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    from onnx import TensorProto

    constants = {
        tensor.name
        for tensor in graph.initializer
        if tensor.data_type == TensorProto.FLOAT and len(tensor.dims) > 1 and 0 not in tensor.dims
    }
    return [node for node in graph.node if node.op_type in _LAYERS and node.name and node.input[1] in constants]


def _ranges(
    proto: onnx.ModelProto, names: list[str], inputs: Mapping[str, Array], threads: int
) -> dict[str, tuple[float, float]]:
    """The least and the greatest value of tensors, 0 among them so that it stays exact."""
    import numpy as np
    import onnx

    tapped = onnx.ModelProto()
    tapped.CopyFrom(proto)
    given = {value.name for value in tapped.graph.input}
    present = {value.name for value in tapped.graph.output}
    tapped.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in given | present)
    wanted = [name for name in names if name not in given]
    values = dict(zip(wanted, _session(tapped, threads).run(wanted, dict(inputs)) if wanted else [], strict=True))
    values |= {name: inputs[name] for name in names if name in given}
    return {name: (float(np.min(array, initial=0)), float(np.max(array, initial=0))) for name, array in values.items()}


def _round_weights(node: onnx.NodeProto, weights: Array) -> Array:
    import numpy as np

    channel = 0 if node.op_type == "Conv" else weights.ndim - 1
    if node.op_type == "Gemm":
        channel = 0 if any(a.name == "transB" and a.i for a in node.attribute) else 1
    others = tuple(axis for axis in range(weights.ndim) if axis != channel)
    scale = np.maximum(np.abs(weights).max(others, keepdims=True) / 127, np.finfo(np.float32).tiny)
    result: Array = (np.clip(np.round(weights / scale), -127, 127) * scale).astype(np.float32)
    return result


def _add_switches(
    proto: onnx.ModelProto, chosen: list[onnx.NodeProto], ranges: Mapping[str, tuple[float, float]]
) -> None:
    """Gives each layer weights that may be replaced, and data that is rounded as far as its switch says."""
    from onnx import TensorProto, helper

    graph = proto.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    changed = {node.name for node in chosen}
    nodes = []
    for node in list(graph.node):
        if node.name in changed and node.op_type in _LAYERS:
            own = type(constants[node.input[1]])()
            own.CopyFrom(constants[node.input[1]])
            own.name = f"{node.name}.weights"
            graph.initializer.append(own)
            graph.input.append(helper.make_tensor_value_info(own.name, own.data_type, own.dims))
            graph.input.append(helper.make_tensor_value_info(f"{_SWITCH}{node.name}", TensorProto.FLOAT, ()))
            rounding, data = _rounding(graph, node.name, node.input[0], ranges[node.input[0]])
            nodes += rounding
            node.input[0], node.input[1] = data, own.name
        nodes.append(node)
    copies = [type(node).FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)


def _rounding(
    graph: onnx.GraphProto, layer: str, name: str, extremes: tuple[float, float]
) -> tuple[list[onnx.NodeProto], str]:
    """The nodes between a tensor and the layer that reads it, and the name of what they make."""
    import numpy as np
    from onnx import helper, numpy_helper

    low, high = extremes
    scale = max((high - low) / 255, float(np.finfo(np.float32).tiny))
    zero = int(min(max(round(-low / scale), 0), 255))
    prefix = f"{layer}.rounded"
    quantized = [f"{prefix}.scale", f"{prefix}.zero"]
    graph.initializer.append(numpy_helper.from_array(np.asarray(scale, np.float32), quantized[0]))
    graph.initializer.append(numpy_helper.from_array(np.asarray(zero, np.uint8), quantized[1]))
    data = f"{prefix}.data"
    nodes = [
        helper.make_node("QuantizeLinear", [name, *quantized], [f"{prefix}.q"]),
        helper.make_node("DequantizeLinear", [f"{prefix}.q", *quantized], [f"{prefix}.dq"]),
        helper.make_node("Sub", [f"{prefix}.dq", name], [f"{prefix}.change"]),
        helper.make_node("Mul", [f"{prefix}.change", f"{_SWITCH}{layer}"], [f"{prefix}.part"]),
        helper.make_node("Add", [name, f"{prefix}.part"], [data]),
    ]
    return nodes, data


def _session(proto: onnx.ModelProto, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
