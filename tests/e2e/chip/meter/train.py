"""Trains a small convolutional network and writes it as ONNX: `train.py TRAIN.npz OUTPUT.onnx`.

The convolutions stay random, and the last layer is the regularised least-squares fit to what they see ("extreme
learning machine", Huang, Zhu, Siew, Neurocomputing 70, 2006): no iteration, and numpy is all that it takes.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

# Neither is a multiple of what a chip likes.
_CHANNELS = (12, 40)
_CLASSES = 10
_RIDGE = 1.0

Array = NDArray[Any]


def main(data: Path, output: Path) -> None:
    arrays = np.load(data)
    random = np.random.default_rng(0)
    weights, current = [], arrays["image"]
    for channels in _CHANNELS:
        fan_in = current.shape[1] * 9
        weights.append(random.normal(0, np.sqrt(2 / fan_in), (channels, current.shape[1], 3, 3)).astype(np.float32))
        current = _pool(np.maximum(_convolve(current, weights[-1]), 0))
    features = current.reshape(len(current), -1).astype(np.float64)
    target = np.eye(_CLASSES)[arrays["labels"]] * 2 - 1
    fit = np.linalg.solve(features.T @ features + _RIDGE * np.eye(features.shape[1]), features.T @ target)
    onnx.save(_network(arrays["image"].shape[1:], weights, fit.astype(np.float32)), output)


def _convolve(images: Array, weight: Array) -> Array:
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = sliding_window_view(padded, (3, 3), axis=(2, 3))
    sums: Array = np.einsum("nchwij,ocij->nohw", windows, weight, optimize=True)
    return sums


def _pool(images: Array) -> Array:
    samples, channels, height, width = images.shape
    largest: Array = images.reshape(samples, channels, height // 2, 2, width // 2, 2).max((3, 5))
    return largest


def _network(shape: tuple[int, ...], convolutions: list[Array], dense: Array) -> onnx.ModelProto:
    nodes, initializers, current = [], [], "image"
    for number, weight in enumerate(convolutions, 1):
        names = [f"{part}_{number}" for part in ("convolution", "relu", "pool")]
        initializers += [
            numpy_helper.from_array(weight, f"weight_{number}"),
            numpy_helper.from_array(np.zeros(len(weight), np.float32), f"bias_{number}"),
        ]
        inputs = [current, f"weight_{number}", f"bias_{number}"]
        nodes += [
            helper.make_node("Conv", inputs, [names[0]], names[0], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
            helper.make_node("Relu", [names[0]], [names[1]], names[1]),
            helper.make_node("MaxPool", [names[1]], [names[2]], names[2], kernel_shape=[2, 2], strides=[2, 2]),
        ]
        current = names[2]
    initializers += [
        numpy_helper.from_array(dense, "weight_dense"),
        numpy_helper.from_array(np.zeros(_CLASSES, np.float32), "bias_dense"),
    ]
    nodes += [
        helper.make_node("Flatten", [current], ["features"], "flatten"),
        helper.make_node("Gemm", ["features", "weight_dense", "bias_dense"], ["logits"], "dense"),
    ]
    graph = helper.make_graph(
        nodes,
        "meter",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", *shape])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", _CLASSES])],
        initializers,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
