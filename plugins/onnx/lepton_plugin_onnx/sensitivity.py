"""How much a model's outputs suffer when one layer alone is quantized.

SQNR: 10 log10 of the outputs' power over that of their change, in dB; less is worse. KL: the mean Kullback-Leibler
divergence of softmax(outputs), along the last axis, from what it was; more is worse. Both are the usual measures for
choosing precisions layer by layer (M. Nagel et al., "A White Paper on Neural Network Quantization", 2021, section 3.6;
S. Migacz, "8-bit inference with TensorRT", GTC 2017).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from lepton_plugin_onnx.calibration import Calibration
from lepton_plugin_onnx.tensors import element_count

if TYPE_CHECKING:
    import numpy as np
    import onnx

    from lepton_plugin_onnx.quantize import StaticQuantizer

    Array = np.ndarray[Any, Any]

Metric = Literal["sqnr", "kl"]
_LIMIT_DB = 200.0  # where nothing changes


@dataclass(frozen=True)
class Layer:
    """A layer and what quantizing it alone does.

    Args:
        name: of its node.
        score: SQNR in dB, or KL.
        weights: number of its constant values of rank 2 and more.
    """

    name: str
    score: float
    weights: int


def rank(quantizer: StaticQuantizer, metric: Metric, samples: int, exclude: set[str], threads: int) -> list[Layer]:
    """The layers with weights, the worst first; of equal ones the first in the graph first."""
    model = quantizer.model
    names = [value.name for value in model.graph.output]
    samples = min(samples, quantizer.samples)
    before = Calibration(model, names, quantizer.arrays, samples, threads).values()
    weights = layer_weights(model)
    layers = []
    for name in quantizer.candidates:
        if name in exclude or not weights.get(name):
            continue
        alone = quantizer.quantized(set(quantizer.candidates) - {name})
        after = Calibration(alone, names, quantizer.arrays, samples, threads).values()
        layers.append(Layer(name, score(before, after, metric), weights[name]))
    return sorted(layers, key=lambda layer: layer.score if metric == "sqnr" else -layer.score)


def layer_weights(model: onnx.ModelProto) -> dict[str, int]:
    """Node to the number of values in its constants of rank 2 and more."""
    from onnx import TensorProto

    sizes = {
        tensor.name: element_count(tensor.dims)
        for tensor in model.graph.initializer
        if len(tensor.dims) > 1 and tensor.data_type in (TensorProto.FLOAT, TensorProto.FLOAT16)
    }
    return {node.name: sum(sizes.get(name, 0) for name in node.input) for node in model.graph.node}


def score(before: Mapping[str, Array], after: Mapping[str, Array], metric: Metric) -> float:
    """Of all outputs together; those that are no floating point say nothing."""
    import numpy as np

    names = [name for name, values in before.items() if values.dtype.kind == "f"]
    if metric == "sqnr":
        signal = sum(float(np.square(before[name], dtype=np.float64).sum()) for name in names)
        change = (before[name].astype(np.float64) - after[name] for name in names)
        noise = sum(float(np.square(difference).sum()) for difference in change)
        if not noise:
            return _LIMIT_DB
        return round(min(10 * math.log10(signal / noise), _LIMIT_DB), 3) if signal else -_LIMIT_DB
    total = rows = 0.0
    for name in names:
        p, q = (_log_softmax(values) for values in (before[name], after[name]))
        total += float((np.exp(p) * (p - q)).sum())
        rows += p.size / p.shape[-1] if p.ndim else 1
    return float(f"{max(total / rows, 0.0):.6g}") if rows else 0.0


def _log_softmax(values: Array) -> Array:
    import numpy as np

    wide = np.atleast_1d(values).astype(np.float64)
    shifted = wide - wide.max(-1, keepdims=True)
    result: Array = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return result
