"""Runs a network on samples: what its outputs are, and what they should be in ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lepton_plugin_keras.libraries import tf
from lepton_plugin_keras.network import Network, reason
from lepton_rules.plugin import LeptonError, TensorSpec

Arrays = list[np.ndarray[Any, Any]]
# Lengths of the named dimensions in the two runs that tell what depends on which.
_SAMPLES, _OTHERS = (2, 3), (32, 48)


def lengths(inputs: Sequence[TensorSpec], choice: int) -> dict[str, int]:
    """A length for each named dimension; `choice` 0 and 1 differ in each."""
    found: dict[str, int] = {}
    for spec in inputs:
        for axis, dimension in enumerate(spec.shape):
            if isinstance(dimension, str):
                found.setdefault(dimension, (_OTHERS if axis else _SAMPLES)[choice] + 16 * (len(found) if axis else 0))
    return found


def samples(inputs: Sequence[TensorSpec], sizes: dict[str, int], seed: int) -> Arrays:
    """Seeded inputs: normal numbers, and zeros and ones for integers and booleans, which may be indices."""
    generator = np.random.default_rng(seed)
    found = []
    for spec in inputs:
        shape = [sizes[d] if isinstance(d, str) else d for d in spec.shape]
        dtype = tf.as_dtype(spec.dtype).as_numpy_dtype
        floating = spec.dtype.startswith(("float", "bfloat"))
        values = generator.standard_normal(shape) if floating else generator.integers(0, 2, shape)
        found.append(np.asarray(values).astype(dtype))
    return found


def run(network: Network, arrays: Arrays) -> Arrays:
    """The network's outputs. LeptonError where it refuses the inputs, or gives another number of outputs."""
    try:
        results = network.call([tf.constant(array) for array in arrays])
    except Exception as error:  # TensorFlow and Keras raise whatever their parts raise
        raise LeptonError("keras model", f"it fails on its own inputs ({reason(error)})", "Save it again") from None
    if len(results) != len(network.outputs):
        raise LeptonError("keras model", f"it gives {len(results)} outputs", f"Name {len(network.outputs)}")
    return [np.asarray(result) for result in results]


def output_specs(network: Network, names: Sequence[str]) -> tuple[TensorSpec, ...]:
    """The outputs, found by two runs: a dimension that is as long as a named one in both has its name."""
    sizes = [lengths(network.inputs, choice) for choice in (0, 1)]
    runs = [run(network, samples(network.inputs, size, 0)) for size in sizes]
    specs = []
    for name, first, second in zip(names, *runs, strict=True):
        if first.ndim != second.ndim:
            raise LeptonError("keras model", f"output {name!r} changes its rank", "Give outputs of a fixed rank")
        shape: list[int | str] = []
        for axis, pair in enumerate(zip(first.shape, second.shape, strict=True)):
            symbols = [symbol for symbol in sizes[0] if (sizes[0][symbol], sizes[1][symbol]) == pair]
            shape.append(symbols[0] if symbols else pair[0] if pair[0] == pair[1] else f"{name}_{axis}")
        specs.append(TensorSpec(name, first.dtype.name, tuple(shape)))
    return tuple(specs)
