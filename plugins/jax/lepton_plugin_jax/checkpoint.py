"""What `lepton_checkpoint` asks of the plugin that it names: see lepton_rules/actions/checkpoint.py."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from lepton_plugin_jax.libraries import jax
from lepton_plugin_jax.program import Array, blob, write_weights
from lepton_rules.plugin import LeptonError, safetensors_file

__all__ = ["convert", "prepare", "save"]


def prepare(seed: int, threads: int) -> None:
    """Makes what follows in this process the same each time: Python's and numpy's seeds, and the number of threads.

    JAX draws no random number without a key: a training function makes its own of the seed. XLA takes its threads from
    a variable, when JAX first computes anything: how sums are split depends on them.
    """
    random.seed(seed)
    np.random.seed(seed)
    os.environ["NPROC"] = str(threads)


def save(weights: object, output: Path, what: str) -> None:
    """Writes arrays by name as safetensors. What stands in a dict within a dict, as flax has it, gets the name
    `dense/kernel`.

    Raises:
        LeptonError: about `what`: they are no such thing, or there is none.
    """
    if not isinstance(weights, Mapping):
        raise LeptonError(what, f"it gave {type(weights).__name__}", "Return a dict of arrays by name")
    arrays = dict(_named(weights, "", what))
    if not arrays:
        raise LeptonError(what, "it gave no arrays", "Return a dict of arrays by name")
    safetensors_file.write(output, {name: blob(name, array) for name, array in arrays.items()})


def convert(source: Path, output: Path) -> None:
    """Writes the weights of a safetensors or an npz file as safetensors."""
    write_weights((source,), output)


def _named(weights: Mapping[object, object], prefix: str, what: str) -> Iterator[tuple[str, Array]]:
    for key, value in weights.items():
        if not isinstance(key, str) or not key:
            raise LeptonError(what, f"{key!r} is no name", "Return a dict whose keys are names")
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _named(value, f"{name}/", what)
        elif isinstance(value, jax.Array | np.ndarray | np.generic):
            yield name, np.asarray(value)
        else:
            raise LeptonError(what, f"{name!r} is a {type(value).__name__}", "Return a dict of arrays by name")
