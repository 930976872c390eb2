"""Keras files that a stranger may have made: refused in one line, with nothing left behind and nothing run."""

from __future__ import annotations

import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from lepton_plugin_keras.config import ImportConfig
from lepton_plugin_keras.importer import import_keras
from lepton_plugin_keras.libraries import keras, tf

from lepton_rules.plugin import ImportContext, LeptonError, ModelFacts

layers = keras.layers
CANARY = "canary"


def run(sources: tuple[Path, ...], output: Path, allow_code: bool = False) -> ModelFacts:
    output.mkdir(exist_ok=True)
    return import_keras(
        ImportContext(
            label="//test:model",
            config=ImportConfig(),
            sources=sources,
            weights=(),
            allow_code=allow_code,
            output=output,
        )
    )


def refused(sources: tuple[Path, ...], folder: Path, allow_code: bool = False) -> str:
    """The message that refuses files, once it is known to be one line, to have left nothing and to have run nothing."""
    with pytest.raises(LeptonError) as error:
        run(sources, folder / "out", allow_code)
    assert list((folder / "out").iterdir()) == []
    text = str(error.value)
    assert text.startswith("lepton: ") and "\n" not in text and len(text) < 2000, text
    assert str(folder) not in text
    assert not (folder / CANARY).exists()
    return text


def refused_file(content: bytes, folder: Path) -> str:
    (folder / "model.bin").write_bytes(content)
    return refused((folder / "model.bin",), folder)


def network() -> Any:
    return keras.Sequential([keras.Input((4,), name="x"), layers.Dense(3, name="first"), layers.Dense(2, name="last")])


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same small network in each kind of file."""
    folder = tmp_path_factory.mktemp("good")
    model = network()
    model.save(folder / "model.keras")
    model.save(folder / "model.h5")
    model.export(folder / "saved", verbose=False)
    return folder


def test_the_good_files_are_imported(good: Path, tmp_path: Path) -> None:
    for index, name in enumerate(("model.keras", "model.h5")):
        assert run((good / name,), tmp_path / str(index)).parameters == 15 + 8
    saved = tuple(path for path in (good / "saved").rglob("*") if path.is_file())
    assert run(saved, tmp_path / "saved").parameters == 15 + 8


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "an empty file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "a Git LFS pointer"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "a web page"),
        (pickle.dumps({"a": 1}), "a pickle"),
        (b"\x10\x00\x00\x00\x00\x00\x00\x00{}", "a safetensors file"),
        (b"PK\x03\x04" + bytes(100), "damaged"),
        (b"\x89HDF\r\n\x1a\n" + bytes(2000), "damaged"),
        (b'{"class_name": "Sequential"}', "JSON"),
        (b"hello, world", "no Keras model"),
    ],
    ids=lambda value: value[:12].hex() if isinstance(value, bytes) else value.split()[-1],
)
def test_what_is_no_model(content: bytes, text: str, tmp_path: Path) -> None:
    assert text in refused_file(content, tmp_path)


def test_truncated_anywhere(good: Path, tmp_path: Path) -> None:
    for name in ("model.keras", "model.h5"):
        content = (good / name).read_bytes()
        for part in (0.02, 0.3, 0.6, 0.99):
            refused_file(content[: int(len(content) * part)], tmp_path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.keras")
    assert "not a regular file" in refused((tmp_path / "model.keras",), tmp_path)


# --- Configurations: what they name is imported and called by Keras ---


def archive(good: Path, change: Callable[[dict[str, Any]], Any]) -> bytes:
    """The `.keras` file with another configuration."""
    return _archive(good, lambda name, data: _changed(data, change) if name == "config.json" else data)


def _archive(
    good: Path, change: Callable[[str, bytes], bytes | None], extra: tuple[tuple[str, bytes], ...] = ()
) -> bytes:
    path = good.parent / "changed.keras"
    with zipfile.ZipFile(good / "model.keras") as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            data = change(name, source.read(name))
            if data is not None:
                target.writestr(name, data)
        for name, data in extra:
            target.writestr(name, data)
    return path.read_bytes()


def _changed(data: bytes, change: Callable[[dict[str, Any]], Any]) -> bytes:
    config = json.loads(data)
    result = change(config)
    return json.dumps(config if result is None else result).encode()


def _layer(config: dict[str, Any], index: int = 1) -> dict[str, Any]:
    found: dict[str, Any] = config["config"]["layers"][index]
    return found


def _evil(module: str | None, name: str, arguments: Any) -> Callable[[dict[str, Any]], Any]:
    def change(config: dict[str, Any]) -> None:
        _layer(config).update(module=module, class_name=name, config=arguments, registered_name=name)

    return change


def _activation(value: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda config: _layer(config)["config"].update(activation=value)


LAMBDA: dict[str, Any] = {
    "class_name": "__lambda__",
    "config": {"value": "4wAAAAA=", "defaults": None, "closure": None},
}
CONFIGURATIONS: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "lambda layer": (_evil("keras.layers", "Lambda", {"function": LAMBDA}), "runs code"),
    "lambda in another place": (_activation(LAMBDA), "runs code"),
    "torch wrapper": (_evil("keras.layers", "TorchModuleWrapper", {"module": "gASV"}), "runs code"),
    "SavedModel layer": (_evil("keras.layers", "TFSMLayer", {"filepath": "/etc"}), "runs code"),
    "vocabulary file": (_evil("keras.layers", "StringLookup", {"vocabulary": "/etc/passwd"}), "reads files"),
    "module of the system": (_evil("os", "system", {"command": f"touch {CANARY}"}), "none of the layers"),
    "builtin": (_evil("builtins", "exec", {"source": "1"}), "none of the layers"),
    "function of Keras that fetches": (
        _activation({"module": "keras.utils", "class_name": "function", "config": "get_file"}),
        "none of the layers",
    ),
    "private module of Keras": (
        _evil("keras.src.saving.saving_lib", "load_model", {"filepath": "x"}),
        "none of the layers",
    ),
    "numpy": (_evil("numpy", "load", {"file": "x", "allow_pickle": True}), "none of the layers"),
    "custom class": (_evil("user.code", "Layer", {}), "none of the layers"),
    "custom class without module": (_evil(None, "MyLayer", {}), "none of the layers"),
    "registered class": (
        lambda config: _layer(config).update(registered_name="mine>Dense"),
        "a class of the user's own",
    ),
    "module alone": (
        lambda config: _layer(config)["config"].update(kernel_initializer={"module": "os"}),
        "without a class",
    ),
    "class that is no text": (lambda config: _layer(config).update(class_name=["Dense"]), "no name"),
    "no model": (lambda config: _layer(config), "accepted are Sequential and Functional"),
    "subclassed model": (lambda config: {**config, "config": {}}, "lists no layers"),
    "list": (lambda config: [config], "accepted are Sequential and Functional"),
    "huge layer": (lambda config: _layer(config)["config"].update(units=1 << 60), "cannot build it"),
    "negative layer": (lambda config: _layer(config)["config"].update(units=-3), "cannot build it"),
    "wrong shape": (lambda config: _layer(config)["config"].update(units=5), "cannot build it"),
    "unknown argument": (lambda config: _layer(config)["config"].update(zzz=5), "cannot build it"),
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_configuration(name: str, good: Path, tmp_path: Path) -> None:
    change, text = CONFIGURATIONS[name]
    assert text in refused_file(archive(good, change), tmp_path)


@pytest.mark.parametrize(
    "name", ["lambda layer", "torch wrapper", "vocabulary file", "module of the system", "custom class", "builtin"]
)
def test_configuration_of_hdf5(name: str, good: Path, tmp_path: Path) -> None:
    """Keras's safe mode says nothing about these files."""
    change, text = CONFIGURATIONS[name]
    path = tmp_path / "changed.h5"
    path.write_bytes((good / "model.h5").read_bytes())
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = _changed(file.attrs["model_config"].encode(), change).decode()
    assert text in refused((path,), tmp_path)


def test_a_real_lambda_is_refused(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((4,)), layers.Lambda(lambda x: x * 2)])
    for name in ("model.keras", "model.h5"):
        model.save(tmp_path / name)
        assert "runs code" in refused((tmp_path / name,), tmp_path)


# --- Code that the target allows ---


def canary(folder: Path) -> Any:
    """A model whose Lambda leaves a file behind wherever it is loaded or called."""
    leave = eval(f"lambda x: (open({str(folder / CANARY)!r}, 'w').close(), x * 2)[1]")
    return keras.Sequential([keras.Input((4,)), layers.Lambda(leave)])


@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
def test_code_runs_only_where_the_target_allows_it(name: str, tmp_path: Path) -> None:
    canary(tmp_path).save(tmp_path / name)
    (tmp_path / CANARY).unlink()
    assert "runs code" in refused((tmp_path / name,), tmp_path)
    run((tmp_path / name,), tmp_path / "out", allow_code=True)
    assert (tmp_path / CANARY).exists()


def test_sources_run_only_where_the_target_allows_it(good: Path, tmp_path: Path) -> None:
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / CANARY)!r}, 'w').close()\n")
    files = (tmp_path / "evil.py", good / "model.keras")
    assert "'evil.py' is code" in refused(files, tmp_path)
    run(files, tmp_path / "out", allow_code=True)
    assert (tmp_path / CANARY).exists()


def test_what_is_broken_stays_refused_where_code_is_allowed(good: Path, tmp_path: Path) -> None:
    """Allowed is code, not a damaged archive, a link out of a file, or a graph that reads files."""

    def refused_anyway(content: bytes) -> str:
        (tmp_path / "model.bin").write_bytes(content)
        return refused((tmp_path / "model.bin",), tmp_path, allow_code=True)

    for name in ("model.keras", "model.h5"):
        content = (good / name).read_bytes()
        for part in (0.02, 0.6):
            refused_anyway(content[: int(len(content) * part)])
    assert "a pickle" in refused_anyway(pickle.dumps({"a": 1}))
    assert "none of" in refused_anyway(_archive(good, lambda name, data: data, (("../evil", b"x"),)))
    no_code = {"function": {**LAMBDA, "config": {**LAMBDA["config"], "code": "4wAAAAA="}}}
    assert "cannot build it" in refused_anyway(archive(good, _evil("keras.layers", "Lambda", no_code)))
    assert "in srcs" in refused_anyway(archive(good, CONFIGURATIONS["custom class"][0]))
    assert "cannot build it" in refused_anyway(archive(good, CONFIGURATIONS["wrong shape"][0]))
    (tmp_path / "model.h5").write_bytes((good / "model.h5").read_bytes())
    with h5py.File(tmp_path / "model.h5", "r+") as file:
        _linked(file, tmp_path)
    assert "a link to somewhere else" in refused((tmp_path / "model.h5",), tmp_path, allow_code=True)
    assert "more than compute" in refused(_export(_reads, tmp_path), tmp_path, allow_code=True)


def test_nested_configuration(good: Path, tmp_path: Path) -> None:
    deep = b'{"class_name": "Sequential", "config": {"layers": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}"
    refused_file(_archive(good, lambda name, data: deep if name == "config.json" else data), tmp_path)
    text = b"[" * 200 + b"]" * 200
    nested = b'{"class_name": "Sequential", "config": {"layers": ' + text + b"}}"
    content = _archive(good, lambda name, data: nested if name == "config.json" else data)
    assert "nested" in refused_file(content, tmp_path)


# --- Archives ---


def test_archives(good: Path, tmp_path: Path) -> None:
    def same(name: str, data: bytes) -> bytes:
        return data

    weights = (good / "model.keras").read_bytes
    assert "none of" in refused_file(_archive(good, same, (("../evil", b"x"),)), tmp_path)
    assert "none of" in refused_file(_archive(good, same, (("/etc/evil", b"x"),)), tmp_path)
    assert "has assets" in refused_file(_archive(good, same, (("assets/words.txt", b"x"),)), tmp_path)
    assert "none of" in refused_file(_archive(good, same, (("model.weights.npz", b"x"),)), tmp_path)
    with pytest.warns(UserWarning, match="Duplicate"):
        twice = _archive(good, same, (("config.json", b"{}"),))
    assert "two members" in refused_file(twice, tmp_path)
    lacking = _archive(good, lambda name, data: None if name == "config.json" else data)
    assert "has no member 'config.json'" in refused_file(lacking, tmp_path)
    other = _archive(good, lambda name, data: pickle.dumps([1]) if name == "model.weights.h5" else data)
    assert "is a pickle" in refused_file(other, tmp_path)
    with zipfile.ZipFile(tmp_path / "bomb", "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("config.json", b" " * (1 << 22))
        bomb.writestr("model.weights.h5", b"x")
    assert "declare" in refused((tmp_path / "bomb",), tmp_path)
    assert weights()[:4] == b"PK\x03\x04"


# --- HDF5 ---


def _linked(file: h5py.File, folder: Path) -> None:
    del file["model_weights/first/sequential"]
    file["model_weights/first/sequential"] = h5py.ExternalLink(str(folder / "other.h5"), "/")


def _soft(file: h5py.File, folder: Path) -> None:
    file["model_weights/again"] = h5py.SoftLink("/model_weights")


def _hard(file: h5py.File, folder: Path) -> None:
    file["model_weights/again"] = file["model_weights/first"]


def _external(file: h5py.File, folder: Path) -> None:
    (folder / "secret").write_bytes(bytes(64))
    file.create_dataset("out", (4,), "f4", external=[(str(folder / "secret"), 0, 16)])


def _virtual(file: h5py.File, folder: Path) -> None:
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource(str(folder / "other.h5"), "x", (4,))
    file.create_virtual_dataset("out", layout)


def _texts(file: h5py.File, folder: Path) -> None:
    file.create_dataset("out", data=["a", "b"], dtype=h5py.string_dtype())


def _reference(file: h5py.File, folder: Path) -> None:
    file.create_dataset("out", data=[file["model_weights"].ref], dtype=h5py.ref_dtype)


def _huge(file: h5py.File, folder: Path) -> None:
    file.create_dataset("out", (1 << 20, 1 << 20), "f4", chunks=(64, 64))


def _bomb(file: h5py.File, folder: Path) -> None:
    file.create_dataset("out", data=np.zeros(1 << 20, "f4"), compression="gzip")


def _nothing(file: h5py.File, folder: Path) -> None:
    del file.attrs["model_config"]


def _number(file: h5py.File, folder: Path) -> None:
    file.attrs["model_config"] = np.arange(3)


def _no_text(file: h5py.File, folder: Path) -> None:
    file.attrs["model_config"] = b'{"class_name": "Sequ\xffential"}'


def _empty(file: h5py.File, folder: Path) -> None:
    file.attrs["model_config"] = h5py.Empty("f")


def _nan(file: h5py.File, folder: Path) -> None:
    first = file["model_weights/first"]
    first[first.attrs["weight_names"][0]][0, 0] = np.nan


def _missing(file: h5py.File, folder: Path) -> None:
    first = file["model_weights/first"]
    del first[first.attrs["weight_names"][0]]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (_linked, "a link to somewhere else"),
        (_soft, "a link to somewhere else"),
        (_hard, "under two names"),
        (_external, "in other files"),
        (_virtual, "in other files"),
        (_texts, "accepted are booleans and numbers"),
        (_reference, "accepted are booleans and numbers"),
        (_huge, "declares"),
        (_bomb, "declares"),
        (_nothing, "without the model's configuration"),
        (_number, "no text"),
        (_empty, "no text"),
        (_no_text, "is not JSON"),
        (_nan, "NaN"),
        (_missing, "cannot build it"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_hdf5(change: Callable[[h5py.File, Path], None], text: str, good: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    path.write_bytes((good / "model.h5").read_bytes())
    with h5py.File(path, "r+") as file:
        change(file, tmp_path)
    assert text in refused((path,), tmp_path)


# --- SavedModels: graphs are programs ---


def files(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted(path for path in folder.rglob("*") if path.is_file()))


def _export(function: Callable[[Any], Any], folder: Path) -> tuple[Path, ...]:
    class Module(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, 4), tf.float32, name="x")])
        def serve(self, x: Any) -> Any:
            return {"y": function(x)}

    module = Module()
    tf.saved_model.save(module, folder / "saved", signatures={"serving_default": module.serve})
    return files(folder / "saved")


def _reads(x: Any) -> Any:
    return x + tf.cast(tf.strings.length(tf.io.read_file("/etc/hostname")), tf.float32)


def _writes(x: Any) -> Any:
    with tf.control_dependencies([tf.io.write_file(CANARY, "x")]):
        return x * 2.0


def _calls_python(x: Any) -> Any:
    return tf.py_function(lambda value: value, [x], tf.float32)


def _prints(x: Any) -> Any:
    tf.print(x)
    return x * 2.0


@pytest.mark.parametrize(
    ("function", "operator"),
    [(_reads, "ReadFile"), (_writes, "WriteFile"), (_calls_python, "EagerPyFunc"), (_prints, "PrintV2")],
)
def test_operators(function: Callable[[Any], Any], operator: str, tmp_path: Path) -> None:
    text = refused(_export(function, tmp_path), tmp_path)
    assert "more than compute" in text and ("String" in text or operator in text)


def test_saving_operators_in_the_signature(tmp_path: Path) -> None:
    """They are known, and write files: nothing that runs may have them."""

    def function(x: Any) -> Any:
        tf.raw_ops.SaveV2(prefix=CANARY, tensor_names=["x"], shape_and_slices=[""], tensors=[x])
        return x * 2.0

    assert "SaveV2" in refused(_export(function, tmp_path), tmp_path)


def test_assets_and_other_files(good: Path, tmp_path: Path) -> None:
    table = tmp_path / "words.txt"
    table.write_text("a\nb\n")

    class Module(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words = tf.saved_model.Asset(str(table))

        @tf.function(input_signature=[tf.TensorSpec((None, 4), tf.float32, name="x")])
        def serve(self, x: Any) -> Any:
            return {"y": x}

    module = Module()
    tf.saved_model.save(module, tmp_path / "assets", signatures={"serving_default": module.serve})
    assert "asset" in refused(files(tmp_path / "assets"), tmp_path)
    table.unlink()
    model = files(good / "saved")
    (tmp_path / "evil.so").write_bytes(b"x")
    assert "is not below the directory" in refused((*model, tmp_path / "evil.so"), tmp_path)
    assert "there are 2 files" in refused((*model, *files(tmp_path / "assets")), tmp_path)


def test_damaged_saved_models(good: Path, tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    for path in files(good / "saved"):
        (saved / path.relative_to(good / "saved")).parent.mkdir(parents=True, exist_ok=True)
        (saved / path.relative_to(good / "saved")).write_bytes(path.read_bytes())
    content = (saved / "saved_model.pb").read_bytes()
    for part in (0.0, 0.3, 0.9):
        (saved / "saved_model.pb").write_bytes(content[: int(len(content) * part)])
        refused(files(saved), tmp_path)
    (saved / "saved_model.pb").write_bytes(content)
    for name in ("variables.index", "variables.data-00000-of-00001"):
        path = saved / "variables" / name
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2])
        refused(files(saved), tmp_path)
        path.unlink()
        refused(files(saved), tmp_path)
        path.write_bytes(data)
    assert run(files(saved), tmp_path / "good").parameters == 15 + 8
