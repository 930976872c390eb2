"""What `lepton_checkpoint` asks of the plugin that it names: see lepton_rules/actions/checkpoint.py.

A training function of Keras gives a model, which is written as an `.h5` or a `.keras` file or, its weights alone, as
safetensors; or it gives arrays by name.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lepton_plugin_keras import libraries
from lepton_plugin_keras.libraries import keras, tf
from lepton_plugin_keras.network import blob, named_weights, plain
from lepton_rules.plugin import LeptonError, safetensors_file

__all__ = ["convert", "prepare", "save"]

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest time that the zip format can say


def prepare(seed: int, threads: int) -> None:
    """Makes what follows in this process the same each time: seeds, number of threads, deterministic kernels."""
    libraries.prepare(threads)
    keras.utils.set_random_seed(seed)


def save(weights: object, output: Path, what: str) -> None:
    """Writes a Keras model, or arrays by name, to `output` in the format that its suffix says: equal models give equal
    bytes.

    Raises:
        LeptonError: about `what`: it is neither, or the format cannot hold it.
    """
    if isinstance(weights, keras.Model):
        if output.suffix == ".h5":
            keras.saving.save_model(weights, output, include_optimizer=False)
        elif output.suffix == ".keras":
            _save_archive(weights, output)
        else:
            _save_arrays(named_weights(weights), output, what)
        return
    if output.suffix != ".safetensors":
        kind = type(weights).__name__
        raise LeptonError(what, f"it gave {kind}, and {output.suffix} holds a model", "Return a keras.Model")
    if not isinstance(weights, Mapping) or not weights:
        raise LeptonError(what, f"it gave {type(weights).__name__}", "Return a keras.Model, or a dict of arrays")
    _save_arrays({str(name): _array(value) for name, value in weights.items()}, output, what)


def convert(source: Path, output: Path) -> None:
    """Writes the tensors of a safetensors file anew. A Keras file needs no conversion: `lepton_model` imports it."""
    if not safetensors_file.is_safetensors(source):
        raise LeptonError(
            f"checkpoint {source.name!r}",
            "it is no safetensors file",
            "Import a Keras file with lepton_model(data = …)",
        )
    safetensors_file.canonicalise(source, output)


def _save_arrays(arrays: Mapping[str, np.ndarray[Any, Any]], output: Path, what: str) -> None:
    safetensors_file.write(output, {name: blob(name, array, what) for name, array in arrays.items()})


def _save_archive(model: Any, output: Path) -> None:
    """Keras's own archive holds the time of day and the addresses of objects: it is written again without."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "model.keras"
        keras.saving.save_model(model, path)
        with zipfile.ZipFile(path) as source, zipfile.ZipFile(output, "w", zipfile.ZIP_STORED) as target:
            members = {
                "config.json": json.dumps(plain(json.loads(source.read("config.json"))), sort_keys=True),
                "metadata.json": json.dumps({"keras_version": keras.__version__}),
                "model.weights.h5": source.read("model.weights.h5"),
            }
            for name, data in members.items():
                target.writestr(zipfile.ZipInfo(name, _EPOCH), data)


def _array(value: object) -> np.ndarray[Any, Any]:
    return np.asarray(value.numpy() if isinstance(value, tf.Variable | tf.Tensor) else value)
