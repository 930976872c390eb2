"""Small networks with known weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Array = np.ndarray[Any, Any]

# What `convnet` costs for one sample, and what it has learned, counted by hand.
CONVNET_MACS = 8 * 8 * 8 * (3 * 9) + 8 * 8 * 8 * (8 * 9) + 8 * 5
CONVNET_PARAMETERS = 8 * 3 * 9 + 4 * 8 + 8 * 8 * 9 + 8 + 5 * 8 + 5


def weights(*shape: int, seed: int = 0, scale: float = 1.0) -> Array:
    return (np.random.default_rng(seed + sum(shape)).standard_normal(shape) * scale).astype(np.float32)


def model_of(
    nodes: Sequence[onnx.NodeProto],
    constants: Mapping[str, Array],
    inputs: Mapping[str, Sequence[int | str]],
    outputs: Mapping[str, Sequence[int | str]],
    opset: int = 20,
    **domains: int,
) -> onnx.ModelProto:
    """A float32 model."""
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(k, v) for k, v in domains.items())]
    return helper.make_model(graph, opset_imports=imports, ir_version=10)


def convnet(opset: int = 20, batch: int | str = "batch") -> onnx.ModelProto:
    """Convolutions, batch normalisation, a residual sum, pooling, a linear head: x [batch, 3, 8, 8] to y [batch, 5]."""
    constants = {
        "w1": weights(8, 3, 3, 3, scale=0.3),
        "bn_scale": np.linspace(0.5, 1.5, 8, dtype=np.float32),
        "bn_bias": np.linspace(-0.2, 0.2, 8, dtype=np.float32),
        "bn_mean": np.linspace(-0.1, 0.1, 8, dtype=np.float32),
        "bn_var": np.linspace(0.5, 2.0, 8, dtype=np.float32),
        "w2": weights(8, 8, 3, 3, scale=0.2),
        "b2": weights(8, scale=0.1),
        "w3": weights(5, 8, scale=0.5),
        "b3": weights(5, scale=0.1),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["c1"], "conv1", pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["c1", "bn_scale", "bn_bias", "bn_mean", "bn_var"], ["n1"], "norm1"),
        helper.make_node("Relu", ["n1"], ["r1"], "relu1"),
        helper.make_node("Conv", ["r1", "w2", "b2"], ["c2"], "conv2", pads=[1, 1, 1, 1]),
        helper.make_node("Add", ["c2", "r1"], ["s"], "sum"),
        helper.make_node("Relu", ["s"], ["r2"], "relu2"),
        helper.make_node("GlobalAveragePool", ["r2"], ["p"], "pool"),
        helper.make_node("Flatten", ["p"], ["f"], "flatten"),
        helper.make_node("Gemm", ["f", "w3", "b3"], ["y"], "head", transB=1),
    ]
    return model_of(nodes, constants, {"x": [batch, 3, 8, 8]}, {"y": [batch, 5]}, opset)


def perceptron(bias: bool = True, **attributes: Any) -> onnx.ModelProto:
    """Two linear layers with a Relu between: x [batch, 6] to y [batch, 3]."""
    nodes = [
        helper.make_node("MatMul", ["x", "w1"], ["m1"], "first"),
        helper.make_node("Relu", ["m1"], ["r1"], "relu"),
        helper.make_node("Gemm", ["r1", "w2", *(["b2"] if bias else [])], ["y"], "second", transB=1, **attributes),
    ]
    constants = {"w1": weights(6, 16), "w2": weights(3, 16), **({"b2": weights(3)} if bias else {})}
    return model_of(nodes, constants, {"x": ["batch", 6]}, {"y": ["batch", 3]})


def samples(count: int = 32, shape: Sequence[int] = (3, 8, 8)) -> Array:
    return np.random.default_rng(7).standard_normal((count, *shape)).astype(np.float32)
