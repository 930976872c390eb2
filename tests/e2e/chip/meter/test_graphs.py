"""The same model and recipe give another graph for another chip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

_HERE = Path(__file__).parent


def _quantized(artifact: str) -> tuple[set[str], set[int], list[int]]:
    """Of a quantized graph: what activations are, how many scales weights have, the channels of convolutions."""
    (path,) = _HERE.glob(f"{artifact}/*_onnx.quantize/model/model.onnx")
    graph = onnx.load(path).graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    zeros = [constants[node.input[2]] for node in graph.node if node.op_type == "QuantizeLinear"]
    activations = {f"{zero.dtype} around {'0' if not zero.any() else 'others'}" for zero in zeros}
    scales, channels = set(), []
    weights = {node.output[0]: node for node in graph.node if node.op_type == "DequantizeLinear"}
    for node in graph.node:
        if node.op_type == "Conv":
            weight = weights[node.input[1]]
            scales.add(int(np.size(constants[weight.input[1]])))
            channels.append(len(constants[weight.input[0]]))
    return activations, scales, channels


def test_a_cpu_gets_a_scale_a_channel_and_activations_of_any_range() -> None:
    activations, scales, channels = _quantized("meter_int8_cpu")
    assert "uint8 around others" in activations
    assert channels == [12, 40]
    assert scales == {12, 40}


def test_the_npu_gets_what_it_can_do() -> None:
    activations, scales, channels = _quantized("meter_int8_npu")
    assert activations == {"int8 around 0"}
    assert channels == [16, 48]
    assert scales == {1}
