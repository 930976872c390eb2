"""A model in the format `keras`: on disk, and ready to be called.

On disk it is `config.json` and `weights.safetensors`, with `code.json` and `program/` where it needs code (`code.py`);
or it is `saved_model/` and `signature.json`. In memory it is a function of tensors, whatever it came from.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lepton_plugin_keras import code
from lepton_plugin_keras.libraries import keras, tf
from lepton_rules.manifest import canonical_json, parse_json
from lepton_rules.plugin import LeptonError, TensorSpec, safetensors_file
from lepton_rules.plugin.safetensors_file import Blob

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "weights.safetensors"
SAVED_MODEL = "saved_model"
SIGNATURE_FILE = "signature.json"
_DTYPES: Mapping[str, str] = {
    "float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16", "int64": "I64", "int32": "I32",
    "int16": "I16", "int8": "I8", "uint64": "U64", "uint32": "U32", "uint16": "U16", "uint8": "U8", "bool": "BOOL",
}  # fmt: skip
_TYPES = {name: dtype for dtype, name in _DTYPES.items()}


@dataclass(frozen=True, kw_only=True)
class Network:
    """A model that can be called.

    Args:
        inputs: what `call` takes, in order, under the model's own names.
        outputs: names of what it gives, in order.
        parameters: number of learned values.
        call: from tensors to tensors, in inference.
        keep: what must live as long as `call` is used.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[str, ...]
    parameters: int
    call: Callable[[Sequence[Any]], list[Any]]
    keep: object


def write_keras(model: Any, directory: Path, what: str) -> None:
    """Writes a Keras model into `directory`, without what training needs: equal models give equal bytes.

    Raises:
        LeptonError: about `what`: it has weights of a type that safetensors has not, or that are no numbers; or a class
            of the user's own does not say what it is made of.
    """
    from lepton_plugin_keras.hdf5 import check_finite

    try:
        config = canonical_json(plain(keras.saving.serialize_keras_object(model)))
    except Exception as error:  # Keras asks each class, and the user's own may raise anything
        raise LeptonError(
            what, f"its configuration cannot be written ({reason(error)})", "Correct get_config of its classes"
        ) from error
    (directory / CONFIG_FILE).write_text(config, "utf-8")
    arrays = named_weights(model)
    check_finite(arrays, what)
    safetensors_file.write(directory / WEIGHTS_FILE, {name: blob(name, array, what) for name, array in arrays.items()})


@contextlib.contextmanager
def keras_model(directory: Path) -> Iterator[Any]:
    """The Keras model that `write_keras` wrote. The modules of its code, if it has any, are there while the context
    lasts.

    Raises:
        LeptonError: its weights are not those of its configuration, or its code cannot be imported.
    """
    # Before its code is known to Keras, which forgets it with the session.
    keras.utils.clear_session()
    config = parse_json((directory / CONFIG_FILE).read_text("utf-8"))
    with code.running(directory):
        model = keras.saving.deserialize_keras_object(config, safe_mode=not code.is_needed(directory))
        arrays = read_arrays(directory / WEIGHTS_FILE)
        # By place: a weight's path depends on how the model came to be.
        ordered = [arrays[name] for name in sorted(arrays, key=lambda name: int(name.partition(".")[0]))]
        if [array.shape for array in ordered] != [tuple(weight.shape) for weight in model.weights]:
            raise LeptonError("keras model", "its weights are not those of its configuration", "Import it again")
        for weight, array in zip(model.weights, ordered, strict=True):
            weight.assign(array)
        yield model


def named_weights(model: Any) -> dict[str, np.ndarray[Any, Any]]:
    """A model's weights in Keras's order, each under its place in it and its path, `0.dense/kernel`."""
    return {
        f"{index}.{weight.path}": np.asarray(keras.ops.convert_to_numpy(weight.value))
        for index, weight in enumerate(model.weights)
    }


def blob(name: str, array: np.ndarray[Any, Any], what: str) -> Blob:
    """An array as `safetensors_file.write` takes it."""
    dtype = _DTYPES.get(array.dtype.name)
    if dtype is None:
        raise LeptonError(f"weight {name!r} of {what}", f"it has dtype {array.dtype}", "Convert it to numbers")
    data = np.ascontiguousarray(array, array.dtype.newbyteorder("<") if array.dtype.name != "bfloat16" else None)
    return Blob(dtype, tuple(array.shape), array.nbytes, (data.tobytes(),))


def read_arrays(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays of a safetensors file. LeptonError where it is none."""
    import ml_dtypes

    entries = safetensors_file.read_entries(path)
    found = {}
    with path.open("rb") as stream:
        for name, entry in entries.items():
            kind = _TYPES.get(entry.dtype)
            if kind is None:
                raise LeptonError(f"tensor {name!r}", f"numpy has no dtype {entry.dtype}", "Convert it")
            dtype = np.dtype(ml_dtypes.bfloat16) if kind == "bfloat16" else np.dtype(kind).newbyteorder("<")
            stream.seek(entry.start)
            found[name] = np.frombuffer(stream.read(entry.end - entry.start), dtype).reshape(entry.shape)
    return found


def of_keras(model: Any, what: str) -> Network:
    """A Keras model as a network.

    Raises:
        LeptonError: about `what`: it has no fixed inputs, or one that is no tensor of numbers.
    """
    inputs = list(getattr(model, "inputs", None) or ())
    if not inputs:
        raise LeptonError(what, "it does not say what it takes", "Give its first layer an Input with a shape")
    names = [str(tensor.name) for tensor in inputs]
    if len(set(names)) != len(names):
        names = [f"input_{index}" for index in range(len(inputs))]
    specs = tuple(_spec(name, tensor.shape, tensor.dtype, what) for name, tensor in zip(names, inputs, strict=True))

    def call(tensors: Sequence[Any]) -> list[Any]:
        given = tensors[0] if len(tensors) == 1 else list(tensors)
        return list(keras.tree.flatten(model(given, training=False)))

    # A Sequential has no names for them: it gives what its last layer gives.
    last = [layer.name for layer in model.layers[-1:]] * len(model.outputs)
    outputs = _unique([str(name) for name in getattr(model, "output_names", last)])
    return Network(inputs=specs, outputs=outputs, parameters=int(model.count_params()), call=call, keep=model)


def of_saved_model(directory: Path, signature: str, what: str) -> Network:
    """A signature of a SavedModel, which has been vetted, as a network.

    Raises:
        LeptonError: about `what`: TensorFlow cannot load it, or an input is no tensor of numbers.
    """
    try:
        loaded = tf.saved_model.load(str(directory), tags=["serve"])
        function = loaded.signatures[signature]
    except Exception as error:  # TensorFlow raises whatever its parts raise
        raise LeptonError(what, f"TensorFlow cannot load it ({reason(error)})", "Export it again") from None
    taken = dict(sorted(function.structured_input_signature[1].items()))
    names = list(taken)
    specs = tuple(
        _spec(name, None if spec.shape.rank is None else spec.shape.as_list(), spec.dtype.name, what)
        for name, spec in taken.items()
    )
    outputs = tuple(sorted(function.structured_outputs))

    def call(tensors: Sequence[Any]) -> list[Any]:
        given = function(**dict(zip(names, tensors, strict=True)))
        return [given[name] for name in outputs]

    variables = {id(variable): variable for variable in function.variables}.values()
    parameters = sum(int(np.prod(variable.shape.as_list())) for variable in variables)
    return Network(inputs=specs, outputs=outputs, parameters=parameters, call=call, keep=loaded)


@contextlib.contextmanager
def opened(directory: Path) -> Iterator[Network]:
    """The network in a model's directory, which can be called while the context lasts."""
    what = "keras model"
    if (directory / CONFIG_FILE).exists():
        with keras_model(directory) as model:
            yield of_keras(model, what)
    else:
        signature = parse_json((directory / SIGNATURE_FILE).read_text("utf-8"))["signature"]
        yield of_saved_model(directory / SAVED_MODEL, signature, what)


def reason(error: BaseException) -> str:
    """An exception in one short line, without the paths and pages that TensorFlow adds. Of Keras's, which tell all
    that they were called in, the innermost.
    """
    said = str(error).rpartition("Exception encountered: ")[2]
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    text = " ".join(word for word in (lines[0] if lines else "").split() if "/" not in word)
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__


def _spec(name: str, shape: Sequence[int | None] | None, dtype: Any, what: str) -> TensorSpec:
    kind = keras.backend.standardize_dtype(dtype) if not isinstance(dtype, str) else dtype
    if kind not in _DTYPES:
        raise LeptonError(what, f"its input {name!r} has dtype {kind}", "Give it numbers: texts are for before it")
    if shape is None:
        raise LeptonError(what, f"its input {name!r} has no rank", "Declare its shape")
    return TensorSpec(
        name,
        kind,
        tuple(("batch" if not axis else f"{name}_{axis}") if d is None else int(d) for axis, d in enumerate(shape)),
    )


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name if names.count(name) == 1 else f"{name}_{index}" for index, name in enumerate(names))


def plain(config: Any) -> Any:
    """A configuration without what differs between two runs, or only serves training: the identities of shared objects
    are numbered in their order, the code of Lambdas is written in one way, compilation is left out."""
    numbers: dict[Any, int] = {}

    def walk(value: Any) -> Any:
        if isinstance(value, Mapping):
            if value.get("class_name") == code.LAMBDA:
                inner = value["config"]
                return {**value, "config": {**inner, "code": code.canonical(inner["code"])}}
            kept = {key: item for key, item in value.items() if key != "compile_config"}
            return {key: number(item) if key == "shared_object_id" else walk(item) for key, item in kept.items()}
        return [walk(item) for item in value] if isinstance(value, list | tuple) else value

    def number(identity: Any) -> int:
        return numbers.setdefault(identity, len(numbers))

    return walk(config)
