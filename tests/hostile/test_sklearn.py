"""scikit-learn's files that a stranger may have made: refused in one line, with nothing left and nothing run."""

from __future__ import annotations

import io
import json
import operator
import os
import pickle
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import skops.io
from lepton_plugin_sklearn.config import ImportConfig
from lepton_plugin_sklearn.importer import import_estimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from lepton_rules.plugin import ImportContext, LeptonError, ModelFacts

CANARY = "canary"


def run(source: Path, output: Path, trusted: tuple[str, ...] = ()) -> ModelFacts:
    output.mkdir(exist_ok=True)
    return import_estimator(
        ImportContext(
            label="//test:model",
            config=ImportConfig(trusted=trusted),
            sources=(source,),
            weights=(),
            allow_code=False,
            output=output,
        )
    )


def refused(source: Path, folder: Path, trusted: tuple[str, ...] = ()) -> str:
    with pytest.raises(LeptonError) as error:
        run(source, folder / "out", trusted)
    assert list((folder / "out").iterdir()) == []
    text = str(error.value)
    assert text.startswith("lepton: ") and "\n" not in text and len(text) < 2000, text
    assert str(folder) not in text and not (folder / CANARY).exists()
    return text


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("good") / "model.skops"
    samples = np.random.default_rng(0).standard_normal((20, 3)).astype(np.float32)
    skops.io.dump(make_pipeline(StandardScaler(), LogisticRegression()).fit(samples, samples[:, 0] > 0), path)
    return path


def test_the_good_file_is_imported(good: Path, tmp_path: Path) -> None:
    assert run(good, tmp_path / "out").outputs[0].shape == ("batch", 2)


class Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def test_pickles(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    for protocol in range(6):
        path.write_bytes(pickle.dumps(Evil(tmp_path / CANARY), protocol))
        assert "skops" in refused(path, tmp_path)
    for compression in (0, 3, ("gzip", 3), ("bz2", 3), ("lzma", 3)):
        joblib.dump(Evil(tmp_path / CANARY), path, compress=compression)
        assert "skops.io.dump" in refused(path, tmp_path)
    joblib.dump([1.0], path)
    assert "reading it would run it" in refused(path, tmp_path)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "an empty file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "a Git LFS pointer"),
        (b"<!DOCTYPE html><html></html>", "a web page"),
        (b"PK\x03\x04" + bytes(100), "damaged"),
        (b"hello, world", "no skops file"),
    ],
    ids=lambda value: value[:12].hex() if isinstance(value, bytes) else value.split()[-1],
)
def test_what_is_no_file_of_skops(content: bytes, text: str, tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(content)
    assert text in refused(tmp_path / "model", tmp_path)


def test_truncated(good: Path, tmp_path: Path) -> None:
    content = good.read_bytes()
    for part in (0.1, 0.5, 0.9, 0.999):
        (tmp_path / "model").write_bytes(content[: int(len(content) * part)])
        refused(tmp_path / "model", tmp_path)


def changed(good: Path, change: Callable[[dict[str, Any]], Any], path: Path) -> Path:
    """The file with another schema."""
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "schema.json":
                schema = json.loads(data)
                change(schema)
                data = json.dumps(schema).encode()
            target.writestr(name, data)
    return path


def _as(loader: str, module: str, name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda schema: schema.update({"__loader__": loader, "__module__": module, "__class__": name})


SCHEMAS: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "function": (_as("FunctionNode", "os", "system"), "a function, or what calls one"),
    "method": (_as("MethodNode", "sklearn.pipeline", "Pipeline"), "a function, or what calls one"),
    "operator": (_as("OperatorFuncNode", "operator", "methodcaller"), "a function, or what calls one"),
    "partial": (_as("PartialNode", "functools", "partial"), "a function, or what calls one"),
    "unknown node": (_as("EvilNode", "sklearn.pipeline", "Pipeline"), "a function, or what calls one"),
    "object of the system": (_as("ObjectNode", "os", "_wrap_close"), "neither scikit-learn nor numpy"),
    "builtin": (_as("TypeNode", "builtins", "exec"), "neither scikit-learn nor numpy"),
    "object that looks like sklearn's": (_as("ObjectNode", "sklearnevil", "X"), "neither scikit-learn nor numpy"),
    "no type": (lambda schema: schema.update({"__class__": 3}), "has no type"),
    "other estimator": (_as("ObjectNode", "sklearn.nothing", "Nothing"), "not known to be safe"),
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_schema(name: str, good: Path, tmp_path: Path) -> None:
    change, text = SCHEMAS[name]
    assert text in refused(changed(good, change, tmp_path / "model"), tmp_path)


def test_functions(tmp_path: Path) -> None:
    samples = np.zeros((4, 2))
    for function in (np.log1p, partial(np.add, 1), operator.methodcaller("copy")):
        path = tmp_path / "model.skops"
        skops.io.dump(FunctionTransformer(function).fit(samples), path)
        assert "function" in refused(path, tmp_path)


def test_types_that_are_not_known(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    skops.io.dump(DecisionTreeClassifier().fit(np.eye(3), [0, 1, 2]), path)
    assert run(path, tmp_path / "tree").parameters > 0
    skops.io.dump({"a": 1}, path)
    assert "an object of type dict" in refused(path, tmp_path)
    skops.io.dump(LogisticRegression(), path)
    assert "cannot be used" in refused(path, tmp_path)
    assert "no type of scikit-learn" in refused(path, tmp_path, trusted=("os.system",))


def test_archives(good: Path, tmp_path: Path) -> None:
    path = tmp_path / "model"
    for name in ("../evil.npy", "/etc/evil.npy", "evil.py", "inner/x.npy"):
        path.write_bytes(good.read_bytes())
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(name, b"x")
        assert "no array of a skops file" in refused(path, tmp_path)
    path.write_bytes(good.read_bytes())
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.npy", bytes(1 << 22))
    assert "declare" in refused(path, tmp_path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("other.npy", b"x")
    assert "has no member 'schema.json'" in refused(path, tmp_path)


def test_a_tree_whose_indices_lead_astray(tmp_path: Path) -> None:
    """scikit-learn follows them in native code: whatever becomes of it, the importer lives and says no."""
    path, changed_path = tmp_path / "tree", tmp_path / "model"
    samples = np.random.default_rng(0).standard_normal((40, 3)).astype(np.float32)
    skops.io.dump(DecisionTreeClassifier(random_state=0).fit(samples, samples[:, 0] > 0), path)
    for index in (1 << 40, 0, -5):  # far outside, a cycle, before the start
        with zipfile.ZipFile(path) as source, zipfile.ZipFile(changed_path, "w") as target:
            for name in source.namelist():
                data = source.read(name)
                if name.endswith(".npy"):
                    array = np.load(io.BytesIO(data))
                    if array.dtype.names and "left_child" in array.dtype.names:
                        array["left_child"][0] = array["right_child"][0] = index
                        stream = io.BytesIO()
                        np.save(stream, array)
                        data = stream.getvalue()
                target.writestr(name, data)
        assert "its tree" in refused(changed_path, tmp_path)


def test_arrays_that_are_pickles(good: Path, tmp_path: Path) -> None:
    path = tmp_path / "model"
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            data = pickle.dumps(Evil(tmp_path / CANARY)) if name.endswith(".npy") else source.read(name)
            target.writestr(name, data)
    assert "skops cannot read it" in refused(path, tmp_path)
