"""Runs a network on samples: what its outputs are, and what they should be in ONNX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lepton_plugin_keras.libraries import tf
from lepton_plugin_keras.network import Network, reason
from lepton_rules.plugin import LeptonError, TensorSpec
from lepton_rules.plugin.signature import find_outputs

Arrays = list[np.ndarray[Any, Any]]


def samples(inputs: Sequence[TensorSpec], sizes: Mapping[str, int], seed: int) -> Arrays:
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
    """The outputs, called `names`, see `lepton_rules.plugin.signature.find_outputs`."""

    def run_on(sizes: Mapping[str, int]) -> list[TensorSpec]:
        found = run(network, samples(network.inputs, sizes, 0))
        return [TensorSpec(name, array.dtype.name, array.shape) for name, array in zip(names, found, strict=True)]

    return find_outputs(network.inputs, run_on)
