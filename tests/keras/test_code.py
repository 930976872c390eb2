"""Models that need code: Lambda layers, and classes of the user's own. Refused, unless the target allows it."""

from __future__ import annotations

import base64
import importlib
import json
import marshal
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from lepton_plugin_keras import code, memory, network
from lepton_plugin_keras.libraries import keras
from networks import convnet, exporting, importing, saved, seeded
from onnx.reference import ReferenceEvaluator

from lepton_rules.plugin import LeptonError, ModelDirectory

layers = keras.layers
KINDS = ("keras", "h5")
ALLOW = "or set allow_code = True if you know who made it."

LAYERS = '''
import keras
from shapes import FACTOR


def cube(x):
    return x * x * x


class Scale(keras.layers.Layer):
    """Not registered: a file names it alone."""

    def __init__(self, power=1, **kwargs):
        super().__init__(**kwargs)
        self.power = power

    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1],), name="scale")

    def call(self, x):
        return x**self.power * self.scale * FACTOR

    def get_config(self):
        return {**super().get_config(), "power": self.power}


@keras.saving.register_keras_serializable(package="mine")
class Shift(Scale):
    def call(self, x):
        return super().call(x) + late()


def late():
    from shapes import offset  # while it runs

    return offset()
'''
SHAPES = "FACTOR = 2.0\n\n\ndef offset():\n    return 0.5\n"


def with_lambda() -> Any:
    return seeded(
        keras.Sequential(
            [
                keras.Input((4,), name="x"),
                layers.Dense(3),
                layers.Lambda(lambda x: x * 2.0 + (1.0 if x.shape[-1] in {3, 4} else 0.0)),
                layers.Dense(2, name="y"),
            ]
        )
    )


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[Callable[[], Any], tuple[Path, ...]]]:
    """Makes a model of classes of the user's own, and the sources that define them."""
    folder = tmp_path / "user"
    folder.mkdir()
    for name, text in {"shapes": SHAPES, "own_layers": LAYERS}.items():
        (folder / f"{name}.py").write_text(text)

    def make() -> Any:
        sys.path.insert(0, str(folder))
        importlib.invalidate_caches()
        try:
            module = importlib.import_module("own_layers")
        finally:
            sys.path.remove(str(folder))
        x = keras.Input((4,), name="x")
        y = module.Shift(name="shift")(module.Scale(2, name="scale")(layers.Dense(3, activation=module.cube)(x)))
        return seeded(keras.Model(x, layers.Dense(2, name="y")(y)))

    yield make, tuple(sorted(folder.glob("*.py")))
    forget()


def forget() -> None:
    """What a process that has not trained the model knows: nothing."""
    for name in ("own_layers", "shapes"):
        sys.modules.pop(name, None)
    keras.saving.get_custom_objects().clear()


def agrees(
    model: Path, facts: Any, expected: np.ndarray[Any, Any], samples: np.ndarray[Any, Any], folder: Path
) -> None:
    exporting(model, facts, folder)
    graph = onnx.load(folder / "model.onnx")
    onnx.checker.check_model(graph)
    (found,) = ReferenceEvaluator(graph).run(None, {"x": samples})
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


def tree(folder: Path) -> Mapping[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


SAMPLES = np.random.default_rng(5).standard_normal((5, 4)).astype(np.float32)


@pytest.mark.parametrize("kind", KINDS)
def test_a_lambda_is_refused_and_with_allow_code_imported(kind: str, tmp_path: Path) -> None:
    model = with_lambda()
    expected = np.asarray(model(SAMPLES))
    files = saved(model, tmp_path, kind)
    with pytest.raises(LeptonError, match="Lambda', which runs code from the file") as refused:
        importing(files, tmp_path / "model")
    assert str(refused.value).endswith(ALLOW)
    assert tree(tmp_path / "model") == {}
    facts = importing(files, tmp_path / "model", allow_code=True)
    assert tree(tmp_path / "model").keys() == {"code.json", "config.json", "weights.safetensors"}
    assert facts.parameters == 4 * 3 + 3 + 3 * 2 + 2
    agrees(tmp_path / "model", facts, expected, SAMPLES, tmp_path / "onnx")


@pytest.mark.parametrize("kind", KINDS)
def test_classes_of_the_users_own(kind: str, own: Any, tmp_path: Path) -> None:
    make, sources = own
    model = make()
    expected = np.asarray(model(SAMPLES))
    files = saved(model, tmp_path, kind)
    forget()
    with pytest.raises(LeptonError) as refused:
        importing(files, tmp_path / "model")
    assert str(refused.value).endswith(ALLOW)
    with pytest.raises(LeptonError, match=r"runs where a Keras model is loaded\. Set allow_code = True"):
        importing((*sources, *files), tmp_path / "model")
    with pytest.raises(LeptonError, match=r"'cube'\..* Give the files that define its own classes in srcs"):
        importing(files, tmp_path / "model", allow_code=True)
    assert tree(tmp_path / "model") == {}

    facts = importing((*sources, *files), tmp_path / "model", allow_code=True)
    assert tree(tmp_path / "model").keys() == {
        "code.json",
        "config.json",
        "program/own_layers.py",
        "program/shapes.py",
        "weights.safetensors",
    }
    agrees(tmp_path / "model", facts, expected, SAMPLES, tmp_path / "onnx")
    assert not {"own_layers", "shapes"} & sys.modules.keys()
    assert keras.saving.get_custom_objects() == {}


def test_both_kinds_of_file_give_the_same_graph(own: Any, tmp_path: Path) -> None:
    make, sources = own
    for name, model in {"lambda": with_lambda(), "own": make()}.items():
        found = set()
        for kind in KINDS:
            folder = tmp_path / name / kind
            facts = importing((*sources, *saved(model, folder, kind)), folder / "model", allow_code=True)
            exporting(folder / "model", facts, folder / "onnx")
            found.add((folder / "onnx/model.onnx").read_bytes())
        assert len(found) == 1


def test_allow_code_changes_nothing_of_a_model_that_needs_none(tmp_path: Path) -> None:
    files = saved(convnet(), tmp_path, "keras")
    facts = [importing(files, tmp_path / name, allow_code=name == "allowed") for name in ("plain", "allowed")]
    assert facts[0] == facts[1]
    assert tree(tmp_path / "plain") == tree(tmp_path / "allowed")


def test_the_same_bytes_each_time(tmp_path: Path) -> None:
    """Whatever else refers to the constants of the code, and wherever the model was made."""
    files = saved(with_lambda(), tmp_path, "keras")
    importing(files, tmp_path / "a", allow_code=True)
    importing(files, tmp_path / "b", allow_code=True)
    assert tree(tmp_path / "a") == tree(tmp_path / "b")

    def encoded(path: str, names: str) -> str:
        compiled = compile(
            f"lambda {names}: [{names} for _ in (1, {names!r}) if {names} in {{'p', 'q', 'r'}}]", path, "eval"
        )
        return base64.encodebytes(marshal.dumps(compiled.co_consts[0])).decode()

    kept = encoded("/home/maya/train.py", "xyzzy")
    interned = sys.intern("xyzzy")
    again = encoded("/build/train.py", interned)
    assert kept != again
    assert code.canonical(kept) == code.canonical(again)
    assert code.canonical(code.canonical(kept)) == code.canonical(kept)
    assert code.canonical("4wAAAAA=") == "4wAAAAA="


def test_a_model_in_memory_is_given_back(tmp_path: Path) -> None:
    model = with_lambda()
    importing(saved(model, tmp_path, "keras"), tmp_path / "model", allow_code=True)
    again = memory.load(ModelDirectory(path=tmp_path / "model", manifest={}))
    np.testing.assert_array_equal(again(SAMPLES), model(SAMPLES))


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import no_such_library\n", "source 'broken': importing it raises ModuleNotFoundError"),
        ("def f(:\n", "source 'broken': importing it raises SyntaxError"),
        ("raise ValueError('a\\nb')\n", r"source 'broken': importing it raises ValueError: a\nb"),
    ],
)
def test_a_source_that_cannot_be_imported_is_told(source: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(source)
    files = saved(convnet(), tmp_path, "keras")
    with pytest.raises(LeptonError) as error:
        importing((tmp_path / "broken.py", *files), tmp_path / "model", allow_code=True)
    assert why in str(error.value)
    assert "\n" not in str(error.value)
    assert tree(tmp_path / "model") == {}


def test_sources_in_packages_have_one_name_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is found from two places is run once, under the name by which its own relative imports work."""
    package = tmp_path / "src" / "team" / "net"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "base.py").write_text("WIDTH = 3\n")
    (package / "top.py").write_text(
        "from .base import WIDTH\nimport keras\nclass Top(keras.layers.Layer):\n    width = WIDTH\n"
    )
    for place in (tmp_path / "src", package):
        monkeypatch.syspath_prepend(str(place))
    code.write(sorted(package.glob("*.py")), tmp_path)
    assert json.loads((tmp_path / code.CODE_FILE).read_text()) == {
        "modules": ["team.net", "team.net.base", "team.net.top"]
    }
    with code.running(tmp_path):
        assert keras.saving.get_registered_object("Top") is not None
    assert keras.saving.get_registered_object("Top") is None


def test_a_model_without_code_runs_none(tmp_path: Path) -> None:
    """A Lambda that was put into an imported model afterwards is refused by Keras's safe mode."""
    model = with_lambda()
    importing(saved(model, tmp_path, "keras"), tmp_path / "model", allow_code=True)
    (tmp_path / "model" / code.CODE_FILE).unlink()
    with pytest.raises(Exception, match="safe_mode"), network.opened(tmp_path / "model"):
        pass
