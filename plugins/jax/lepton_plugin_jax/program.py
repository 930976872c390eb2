"""A JAX model on disk: the user's sources, `program.json`, `weights.safetensors`; and its weights as arrays."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from lepton_plugin_jax.libraries import jax
from lepton_rules.plugin import LeptonError, safetensors_file
from lepton_rules.plugin.arrays import read_npz
from lepton_rules.plugin.safetensors_file import Blob
from lepton_rules.plugin.source_program import WEIGHTS_FILE, SourceProgram, importable

Array = np.ndarray[Any, Any]
Function = Callable[..., Any]

_DTYPES: Mapping[str, str] = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64", "I32": "int32",
    "I16": "int16", "I8": "int8", "U64": "uint64", "U32": "uint32", "U16": "uint16", "U8": "uint8", "BOOL": "bool",
}  # fmt: skip
_NAMES = {name: dtype for dtype, name in _DTYPES.items()}
INPUT_DTYPES = ("bool", "float16", "float32", "int8", "uint8", "int32")


def write_weights(files: Sequence[Path], output: Path) -> None:
    """Writes the weights in a safetensors or an npz file, told by its content, as safetensors. None makes an empty
    file: a function may have no weights.

    Raises:
        LeptonError: there are several files, or one is neither, or holds what is no finite number.
    """
    if len(files) > 1:
        raise LeptonError("weights", f"there are {len(files)} files, accepted is one", "Give one safetensors file")
    arrays: dict[str, Array] = {}
    if files:
        with safetensors_file.open_regular(files[0], f"weights {files[0].name!r}") as stream:
            archive = stream.read(4) == b"PK\x03\x04"
        arrays = read_npz(files[0]) if archive else read_weights(files[0])
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise LeptonError("weights", f"{name!r} has NaN or infinite values", "Train again with a smaller rate")
    safetensors_file.write(output, {name: blob(name, array) for name, array in arrays.items()})


def read_weights(path: Path) -> dict[str, Array]:
    """The arrays of a safetensors file by name. LeptonError where it is none."""
    entries = safetensors_file.read_entries(path)
    found = {}
    with path.open("rb") as stream:
        for name, entry in entries.items():
            kind = _DTYPES.get(entry.dtype)
            if kind is None:
                raise LeptonError(f"tensor {name!r}", f"JAX has no dtype {entry.dtype}", "Convert it")
            dtype = np.dtype(ml_dtypes.bfloat16) if kind == "bfloat16" else np.dtype(kind).newbyteorder("<")
            stream.seek(entry.start)
            found[name] = np.frombuffer(stream.read(entry.end - entry.start), dtype).reshape(entry.shape)
    return found


def blob(name: str, array: Array) -> Blob:
    """An array as `safetensors_file.write` takes it. LeptonError where it holds no numbers."""
    dtype = _NAMES.get(array.dtype.name)
    if dtype is None:
        raise LeptonError(f"tensor {name!r}", f"it has dtype {array.dtype}", "Convert it to numbers")
    return Blob(dtype, tuple(array.shape), array.nbytes, (np.ascontiguousarray(array).tobytes(),))


@contextlib.contextmanager
def made(directory: Path, program: SourceProgram) -> Iterator[Function]:
    """Makes the function of the model in `directory`: it takes the inputs, the weights are bound.

    This runs the user's sources, which can be imported while the context lasts.

    Raises:
        LeptonError: the factory is not there, fails, or gives no function.
    """
    with importable(directory) as root:
        function = program.call(root)
        if not callable(function):
            raise LeptonError(
                f"factory {program.factory!r}",
                f"it gives a {type(function).__name__}",
                "Give a function of weights and inputs",
            )
        # JAX's own arrays: numpy's cannot be indexed by what is being traced.
        weights = {name: jax.numpy.asarray(array) for name, array in read_weights(directory / WEIGHTS_FILE).items()}
        yield lambda *inputs: function(weights, *inputs)
