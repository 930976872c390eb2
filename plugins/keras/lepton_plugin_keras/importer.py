"""Imports a Keras model that a stranger may have made. What the files are is told by their content."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py

from lepton_plugin_keras import archive, macs, network, running, saved_model
from lepton_plugin_keras.config import ImportConfig
from lepton_plugin_keras.hdf5 import SIGNATURE, check_hdf5
from lepton_plugin_keras.libraries import keras, prepare
from lepton_plugin_keras.vetting import vet, without_training
from lepton_rules.manifest import canonical_json, parse_json
from lepton_rules.plugin import ImportContext, LeptonError, ModelFacts, TensorSpec
from lepton_rules.plugin.content import START_BYTES, kind_of
from lepton_rules.plugin.safetensors_file import open_regular

_FIX = "Give a .keras file, an .h5 file of a whole model, or the files of a SavedModel"
_CONFIG_LIMIT = 64 << 20  # characters


def import_keras(context: ImportContext) -> ModelFacts:
    """Writes the model of `context.sources` canonically into `context.output`: see `network`.

    Nothing of it runs: configurations name known layers, graphs have known operators. Compilation, optimizers and
    metrics are left out. LeptonError for everything else; nothing is left in `output` then.
    """
    try:
        return _import(context)
    except LeptonError:
        for path in context.output.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        raise


def _import(context: ImportContext) -> ModelFacts:
    config: ImportConfig = context.config
    if context.weights:
        raise LeptonError("weights", "a Keras model holds its own", "Give the model's files as data alone")
    prepare(context.threads)
    notes: dict[str, Any] = {}
    if saved_model.is_saved_model(context.sources):
        what = "SavedModel"
        saved_model.copy(context.sources, context.output / network.SAVED_MODEL, config.signature, what)
        (context.output / network.SIGNATURE_FILE).write_text(canonical_json({"signature": config.signature}), "utf-8")
        found = network.of_saved_model(context.output / network.SAVED_MODEL, config.signature, what)
        notes["kind"] = "SavedModel"
    else:
        if len(context.sources) != 1:
            got = ", ".join(repr(path.name) for path in context.sources[:5]) or "none"
            raise LeptonError("importer keras", f"the files are {got}", _FIX)
        source = context.sources[0]
        what = f"model file {source.name!r}"
        notes["kind"], model = _read(source, what)
        network.write_keras(model, context.output, what)
        found = network.of_keras(model, what)
    inputs = _renamed(found.inputs, config.inputs, "inputs")
    names = config.outputs or found.outputs
    if len(names) != len(found.outputs) or len({*names, *(spec.name for spec in inputs)}) != len(names) + len(inputs):
        raise LeptonError(
            "outputs", f"the model gives {', '.join(found.outputs)}", "Give each a name that nothing else has"
        )
    return ModelFacts(
        inputs=inputs,
        outputs=_rename_dimensions(running.output_specs(found, names), found.inputs, inputs),
        parameters=found.parameters,
        macs=macs.count(found),
        notes=notes,
    )


def _read(source: Path, what: str) -> tuple[str, Any]:
    """What kind of file it is, and the model in it."""
    with open_regular(source, what) as stream:
        start = stream.read(START_BYTES)
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        if start.startswith(b"PK\x03\x04"):
            archive.unpack(source, directory, what)
            return "Keras archive", _read_archive(directory, what)
        if start.startswith(SIGNATURE):
            # Keras tells files by their suffix.
            copy = directory / "model.h5"
            shutil.copyfile(source, copy)
            return "Keras HDF5", _read_hdf5(copy, what)
    fix = "Save the model with Keras, without pickle" if kind_of(start) == "a pickle" else _FIX
    raise LeptonError(what, f"it is no Keras model but {kind_of(start)}", fix)


def _read_archive(directory: Path, what: str) -> Any:
    config = without_training(_parse((directory / archive.CONFIG).read_bytes(), what))
    vet(config, what)
    weights = directory / archive.WEIGHTS
    with weights.open("rb") as stream:
        start = stream.read(START_BYTES)
    if not start.startswith(SIGNATURE):
        raise LeptonError(what, f"its {archive.WEIGHTS} is {kind_of(start)}", _FIX)
    check_hdf5(weights, f"{archive.WEIGHTS} of {what}")

    def build() -> Any:
        model = keras.saving.deserialize_keras_object(config, safe_mode=True)
        model.load_weights(weights)
        return model

    return _built(build, what)


def _read_hdf5(path: Path, what: str) -> Any:
    check_hdf5(path, what)
    try:
        with h5py.File(path, "r") as file:
            text = file.attrs.get("model_config")
    except Exception as error:  # h5py raises whatever HDF5 makes it
        raise LeptonError(what, f"its model_config is damaged ({network.reason(error)})", _FIX) from None
    if text is None:
        raise LeptonError(
            what, "it holds weights without the model's configuration", "Save the whole model, model.save(…)"
        )
    if not isinstance(text, str | bytes):
        raise LeptonError(what, "its model_config is no text", _FIX)
    # h5py gives bytes that are no UTF-8 as surrogates: they become the bytes again, and are refused as such.
    vet(_parse(text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text, what), what)
    return _built(lambda: keras.saving.load_model(path, compile=False, safe_mode=True), what)


def _parse(text: bytes, what: str) -> Any:
    if len(text) > _CONFIG_LIMIT:
        raise LeptonError(what, f"its configuration has more than {_CONFIG_LIMIT} bytes", _FIX)
    try:
        return parse_json(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise LeptonError(what, f"its configuration is not JSON ({str(error)[:200]})", _FIX) from None


def _built(build: Any, what: str) -> Any:
    try:
        model = build()
    except Exception as error:  # Keras raises whatever its parts raise
        raise LeptonError(
            what, f"Keras {keras.__version__} cannot build it ({network.reason(error)})", "Save it again with Keras 3"
        ) from None
    if not isinstance(model, keras.Model):
        raise LeptonError(what, f"it holds a {type(model).__name__}", _FIX)
    return model


def _renamed(inputs: Sequence[TensorSpec], names: Sequence[str], what: str) -> tuple[TensorSpec, ...]:
    """The inputs under the names that were given, their own dimensions renamed with them."""
    if not names:
        return tuple(inputs)
    if len(names) != len(inputs) or len(set(names)) != len(names):
        raise LeptonError(
            what, f"the model takes {', '.join(spec.name for spec in inputs)}", "Give each a name that nothing else has"
        )
    return tuple(
        TensorSpec(name, spec.dtype, tuple(_dimension(d, spec.name, name) for d in spec.shape))
        for name, spec in zip(names, inputs, strict=True)
    )


def _dimension(dimension: int | str, old: str, new: str) -> int | str:
    return f"{new}_{dimension.removeprefix(f'{old}_')}" if str(dimension).startswith(f"{old}_") else dimension


def _rename_dimensions(
    outputs: Sequence[TensorSpec], old: Sequence[TensorSpec], new: Sequence[TensorSpec]
) -> tuple[TensorSpec, ...]:
    names = {a: b for one, two in zip(old, new, strict=True) for a, b in zip(one.shape, two.shape, strict=True)}
    return tuple(
        TensorSpec(spec.name, spec.dtype, tuple(names.get(d, d) if isinstance(d, str) else d for d in spec.shape))
        for spec in outputs
    )
