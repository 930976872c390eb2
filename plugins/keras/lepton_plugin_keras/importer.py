"""Imports a Keras model that a stranger may have made. What the files are is told by their content."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from lepton_plugin_keras import archive, code, macs, network, running, saved_model
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

    Nothing of it runs: configurations name known layers, graphs have known operators. Where the target says
    `allow_code`, a `.keras` or `.h5` file may name anything, and sources are run that define it. Compilation,
    optimizers and metrics are left out. LeptonError for everything else; nothing is left in `output` then.
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
    if saved_model.is_saved_model(context.sources):
        what = "SavedModel"
        saved_model.copy(context.sources, context.output / network.SAVED_MODEL, config.signature, what)
        (context.output / network.SIGNATURE_FILE).write_text(canonical_json({"signature": config.signature}), "utf-8")
        found = network.of_saved_model(context.output / network.SAVED_MODEL, config.signature, what)
        return _facts(found, config, "SavedModel")
    sources = [path for path in context.sources if code.is_source(path)]
    if sources and not context.allow_code:
        raise LeptonError(
            "srcs",
            f"{sources[0].name!r} is code, which runs where a Keras model is loaded",
            "Set allow_code = True if you know who made the model, or remove srcs",
        )
    files = [path for path in context.sources if path not in sources]
    if len(files) != 1:
        got = ", ".join(repr(path.name) for path in files[:5]) or "none"
        raise LeptonError("importer keras", f"the files are {got}", _FIX)
    what = f"model file {files[0].name!r}"
    with _opened(files[0], what) as file:
        if file.refused and not context.allow_code:
            raise file.refused
        if file.refused or sources:
            code.write(sources, context.output)
        with code.running(context.output):
            model = _built(file, what, needs_code=code.is_needed(context.output))
            network.write_keras(model, context.output, what)
            return _facts(network.of_keras(model, what), config, file.kind)


def _facts(found: network.Network, config: ImportConfig, kind: str) -> ModelFacts:
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
        notes={"kind": kind},
    )


@dataclass(frozen=True, kw_only=True)
class _File:
    """A file of a Keras model, before any of it was built.

    Args:
        kind: what it is, for the manifest.
        build: has Keras build the model; takes whether Keras's safe mode is on.
        refused: why its configuration is more than data, if it is.
    """

    kind: str
    build: Callable[[bool], Any]
    refused: LeptonError | None


@contextlib.contextmanager
def _opened(source: Path, what: str) -> Iterator[_File]:
    """What kind of file it is, and how the model in it is built, while the context lasts."""
    with open_regular(source, what) as stream:
        start = stream.read(START_BYTES)
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        if start.startswith(b"PK\x03\x04"):
            archive.unpack(source, directory, what)
            yield _archive(directory, what)
        elif start.startswith(SIGNATURE):
            # Keras tells files by their suffix.
            copy = directory / "model.h5"
            shutil.copyfile(source, copy)
            yield _hdf5(copy, what)
        else:
            fix = "Save the model with Keras, without pickle" if kind_of(start) == "a pickle" else _FIX
            raise LeptonError(what, f"it is no Keras model but {kind_of(start)}", fix)


def _archive(directory: Path, what: str) -> _File:
    config = without_training(_parse((directory / archive.CONFIG).read_bytes(), what))
    refused = _refused(config, what)
    weights = directory / archive.WEIGHTS
    with weights.open("rb") as stream:
        start = stream.read(START_BYTES)
    if not start.startswith(SIGNATURE):
        raise LeptonError(what, f"its {archive.WEIGHTS} is {kind_of(start)}", _FIX)
    check_hdf5(weights, f"{archive.WEIGHTS} of {what}")

    def build(safe_mode: bool) -> Any:
        model = keras.saving.deserialize_keras_object(config, safe_mode=safe_mode)
        model.load_weights(weights)
        return model

    return _File(kind="Keras archive", build=build, refused=refused)


def _hdf5(path: Path, what: str) -> _File:
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
    config = _parse(text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text, what)

    def build(safe_mode: bool) -> Any:
        return keras.saving.load_model(path, compile=False, safe_mode=safe_mode)

    return _File(kind="Keras HDF5", build=build, refused=_refused(config, what))


def _refused(config: Any, what: str) -> LeptonError | None:
    try:
        vet(config, what)
    except LeptonError as error:
        return error
    return None


def _parse(text: bytes, what: str) -> Any:
    if len(text) > _CONFIG_LIMIT:
        raise LeptonError(what, f"its configuration has more than {_CONFIG_LIMIT} bytes", _FIX)
    try:
        return parse_json(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise LeptonError(what, f"its configuration is not JSON ({str(error)[:200]})", _FIX) from None


def _built(file: _File, what: str, *, needs_code: bool) -> Any:
    fix = "Give the files that define its own classes in srcs" if needs_code else "Save it again with Keras 3"
    try:
        model = file.build(not needs_code)
    except Exception as error:  # Keras raises whatever its parts raise
        raise LeptonError(what, f"Keras {keras.__version__} cannot build it ({network.reason(error)})", fix) from None
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
