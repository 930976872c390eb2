"""A network with a batch normalisation behind each convolution that has none: as exporters give it that fold none.

Usage: with_norms.py MODEL.onnx OUTPUT.onnx
"""

from __future__ import annotations

import sys

import numpy as np
import onnx
from onnx import helper, numpy_helper


def main(model: str, output: str) -> None:
    """Writes the network; it computes the same."""
    network = onnx.load(model)
    graph = network.graph
    weights = {tensor.name: tensor.dims[0] for tensor in graph.initializer}
    nodes = []
    for node in graph.node:
        nodes.append(node)
        if node.op_type != "Conv":
            continue
        result, channels = node.output[0], weights[node.input[1]]
        node.output[0] = f"{result}_bare"
        values = {"gain": 1.0, "shift": 0.0, "mean": 0.0, "variance": 1.0}
        for name, value in values.items():
            graph.initializer.append(numpy_helper.from_array(np.full(channels, value, np.float32), f"{result}_{name}"))
        inputs = [node.output[0], *(f"{result}_{name}" for name in values)]
        nodes.append(helper.make_node("BatchNormalization", inputs, [result], f"{result}_norm", epsilon=0.0))
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.save(network, output)


if __name__ == "__main__":
    main(*sys.argv[1:])
