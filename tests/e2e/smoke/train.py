"""Trains a small network and writes it as ONNX: `train.py TRAIN.npz OUTPUT.onnx`.

It stands for whatever a user has: lepton_rules sees the file alone.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.neural_network import MLPClassifier  # type: ignore[import-untyped]  # scikit-learn has no types

_HIDDEN = (256, 128)


def main(data: Path, output: Path) -> None:
    arrays = np.load(data)
    network = MLPClassifier(_HIDDEN, random_state=0)
    network.fit(arrays["pixels"], arrays["labels"])

    nodes, initializers, current = [], [], "pixels"
    layers = len(network.coefs_)
    for number, (weight, bias) in enumerate(zip(network.coefs_, network.intercepts_, strict=True), 1):
        last = number == layers
        made = "logits" if last else f"sums_{number}"
        initializers += [
            numpy_helper.from_array(weight.astype(np.float32), f"weight_{number}"),
            numpy_helper.from_array(bias.astype(np.float32), f"bias_{number}"),
        ]
        nodes.append(
            helper.make_node("Gemm", [current, f"weight_{number}", f"bias_{number}"], [made], f"dense_{number}")
        )
        current = made
        if not last:
            current = f"hidden_{number}"
            nodes.append(helper.make_node("Relu", [made], [current], f"relu_{number}"))
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["batch", 64])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 10])],
        initializers,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), output)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
