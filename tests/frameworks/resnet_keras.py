"""The ResNet-18 of models/resnet in Keras, with the weights that PyTorch trained: `resnet_keras.py WEIGHTS OUTPUT.h5`.

The shapes are PyTorch's: images [batch, 1, 16, 16] in, logits [batch, 10] out. Keras computes with the channels last.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))

Arrays = dict[str, NDArray[np.float32]]


def read_safetensors(path: Path) -> Arrays:
    """The float32 tensors of a safetensors file."""
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    found = {}
    for name, entry in json.loads(data[8 : 8 + size]).items():
        start, end = entry["data_offsets"]
        if entry["dtype"] == "F32":
            found[name] = np.frombuffer(data[8 + size + start : 8 + size + end], "<f4").reshape(entry["shape"])
    return found


class Builder:
    """Layers that take their weights from PyTorch's names."""

    def __init__(self, weights: Arrays) -> None:
        self._weights = weights
        self._filled: list[tuple[Any, list[NDArray[np.float32]]]] = []

    def convolution(self, x: Any, name: str, stride: int) -> Any:
        """A convolution as PyTorch pads it, the same on both sides, and its batch normalization `bn` beside it."""
        kernel = self._weights[f"{name}.weight"]
        width, _, size, _ = kernel.shape
        if size > 1:
            x = layers.ZeroPadding2D(size // 2)(x)
        layer = layers.Conv2D(width, size, strides=stride, use_bias=False)
        self._filled.append((layer, [kernel.transpose(2, 3, 1, 0)]))
        return layer(x)

    def normalization(self, x: Any, name: str) -> Any:
        """A batch normalization."""
        layer = layers.BatchNormalization(epsilon=1e-5)
        parts = ("weight", "bias", "running_mean", "running_var")
        self._filled.append((layer, [self._weights[f"{name}.{part}"] for part in parts]))
        return layer(x)

    def block(self, x: Any, name: str, stride: int) -> Any:
        """A basic block."""
        out = layers.ReLU()(self.normalization(self.convolution(x, f"{name}.conv1", stride), f"{name}.bn1"))
        out = self.normalization(self.convolution(out, f"{name}.conv2", 1), f"{name}.bn2")
        if f"{name}.shortcut.0.weight" in self._weights:
            x = self.normalization(self.convolution(x, f"{name}.shortcut.0", stride), f"{name}.shortcut.1")
        return layers.ReLU()(layers.Add()([out, x]))

    def model(self) -> Any:
        """The whole network."""
        image = keras.Input((1, 16, 16), name="image")
        x = layers.Permute((2, 3, 1))(image)
        x = layers.ReLU()(self.normalization(self.convolution(x, "stem.0", 1), "stem.1"))
        index = 0
        for _, stride in STAGES:
            for step in (stride, 1):
                x = self.block(x, f"blocks.{index}", step)
                index += 1
        head = layers.Dense(self._weights["head.weight"].shape[0], name="logits")
        self._filled.append((head, [self._weights["head.weight"].T, self._weights["head.bias"]]))
        model = keras.Model(image, head(layers.GlobalAveragePooling2D()(x)))
        for layer, arrays in self._filled:
            layer.set_weights(arrays)
        return model


if __name__ == "__main__":
    Builder(read_safetensors(Path(sys.argv[1]))).model().save(sys.argv[2])
