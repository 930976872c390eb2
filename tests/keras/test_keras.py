"""Import and export: what comes out computes what Keras computes, whatever kind of file it came from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import onnx
import pytest
from lepton_plugin_keras import checkpoint, memory
from lepton_plugin_keras.libraries import keras
from networks import MACS, MODELS, PARAMETERS, convnet, exporting, importing, saved
from onnx.reference import ReferenceEvaluator

from lepton_rules.plugin import LeptonError, ModelDirectory, TensorSpec

KINDS = ("keras", "h5", "saved_model")


def bytes_of(path: Path) -> bytes:
    return (path / "model.onnx").read_bytes()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *((name, "keras") for name in sorted(MODELS)),
        ("attention", "h5"),
        ("sequential", "h5"),
        ("recurrent", "saved_model"),
        ("sequential", "saved_model"),
    ],
)
def test_outputs_are_those_of_keras(name: str, kind: str, tmp_path: Path) -> None:
    model = MODELS[name]()
    facts = importing(saved(model, tmp_path, kind), tmp_path / "model")
    exporting(tmp_path / "model", facts, tmp_path / "onnx")
    generator = np.random.default_rng(5)
    lengths = {"batch": 5, "tokens_1": 9}
    feeds = {}
    for spec in facts.inputs:
        shape = [lengths[d] if isinstance(d, str) else d for d in spec.shape]
        drawn = generator.integers(0, 7, shape) if spec.dtype == "int32" else generator.standard_normal(shape)
        feeds[spec.name] = drawn.astype(spec.dtype)
    given = [feeds[tensor.name] for tensor in model.inputs]
    wanted = keras.tree.flatten(model(given[0] if len(given) == 1 else given, training=False))
    graph = onnx.load(tmp_path / "onnx/model.onnx")
    onnx.checker.check_model(graph)
    found = ReferenceEvaluator(graph).run(None, feeds)
    assert [tuple(array.shape) for array in found] == [tuple(tensor.shape) for tensor in wanted]
    for array, tensor in zip(found, wanted, strict=True):
        np.testing.assert_allclose(array, tensor.numpy(), rtol=0, atol=1e-4)


def test_facts_and_files(tmp_path: Path) -> None:
    facts = importing(saved(convnet(), tmp_path, "keras"), tmp_path / "model")
    assert facts.inputs == (TensorSpec("image", "float32", ("batch", 8, 8, 1)),)
    assert facts.outputs == (TensorSpec("logits", "float32", ("batch", 3)),)
    assert (facts.parameters, facts.macs) == (PARAMETERS, MACS)
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == ["config.json", "weights.safetensors"]
    config = (tmp_path / "model/config.json").read_text()
    assert json.loads(config)["class_name"] == "Functional"
    assert "compile_config" not in config


def test_every_kind_of_file_gives_the_same_bytes(tmp_path: Path) -> None:
    """Nothing of a file's kind, of its names or of what the process did before is left."""
    found = set()
    for kind in KINDS:
        facts = importing(saved(convnet(), tmp_path / kind, kind), tmp_path / kind / "model", outputs=("logits",))
        assert (facts.parameters, facts.macs) == (PARAMETERS, MACS)
        exporting(tmp_path / kind / "model", facts, tmp_path / kind / "onnx")
        found.add(bytes_of(tmp_path / kind / "onnx"))
    assert len(found) == 1
    graph = onnx.load_from_string(found.pop())
    assert [(entry.domain, entry.version) for entry in graph.opset_import] == [("", 18)]
    assert not graph.producer_name and not graph.graph.value_info


def test_open_dimensions(tmp_path: Path) -> None:
    facts = importing(saved(MODELS["attention"](), tmp_path, "keras"), tmp_path / "model")
    assert facts.inputs == (
        TensorSpec("tokens", "int32", ("batch", "tokens_1")),
        TensorSpec("scale", "float32", ("batch", 1)),
    )
    assert facts.outputs == (
        TensorSpec("each", "float32", ("batch", "tokens_1", 5)),
        TensorSpec("pooled", "float32", ("batch", 8)),
    )
    assert facts.macs is None  # it depends on the length


def test_other_names(tmp_path: Path) -> None:
    sources = saved(MODELS["attention"](), tmp_path, "h5")
    facts = importing(sources, tmp_path / "model", inputs=("ids", "factor"), outputs=("a", "b"))
    exporting(tmp_path / "model", facts, tmp_path / "onnx")
    graph = onnx.load(tmp_path / "onnx/model.onnx").graph
    assert [value.name for value in graph.input] == ["ids", "factor"]
    assert [value.name for value in graph.output] == ["a", "b"]
    assert graph.input[0].type.tensor_type.shape.dim[1].dim_param == "ids_1"
    assert facts.outputs[0].shape == ("batch", "ids_1", 5)


def test_a_file_of_keras_2(tmp_path: Path) -> None:
    """As Keras 2.15 wrote it: no modules in the configuration, another name for the shape, `:0` behind the weights."""
    dense = {"name": "first", "trainable": True, "dtype": "float32", "units": 3, "activation": "relu", "use_bias": True}
    dense |= {
        "kernel_initializer": {"class_name": "GlorotUniform", "config": {"seed": None}},
        "bias_initializer": {"class_name": "Zeros", "config": {}},
    }
    source = {"batch_input_shape": [None, 4], "dtype": "float32", "sparse": False, "ragged": False, "name": "x"}
    layers = [{"class_name": "InputLayer", "config": source}, {"class_name": "Dense", "config": dense}]
    config = {"class_name": "Sequential", "config": {"name": "sequential", "layers": layers}}
    kernel, bias = np.arange(12, dtype=np.float32).reshape(4, 3), np.array([1, 2, -3], np.float32)
    with h5py.File(tmp_path / "model", "w") as file:
        file.attrs.update(keras_version="2.15.0", backend="tensorflow", model_config=json.dumps(config))
        group = file.create_group("model_weights")
        group.attrs.update(layer_names=[b"first"], keras_version=b"2.15.0", backend=b"tensorflow")
        group.create_group("first").attrs["weight_names"] = [b"first/kernel:0", b"first/bias:0"]
        group["first/first/kernel:0"], group["first/first/bias:0"] = kernel, bias
    facts = importing([tmp_path / "model"], tmp_path / "imported", inputs=("x",), outputs=("y",))
    exporting(tmp_path / "imported", facts, tmp_path / "onnx")
    samples = np.random.default_rng(1).standard_normal((5, 4)).astype(np.float32)
    found = ReferenceEvaluator(onnx.load(tmp_path / "onnx/model.onnx")).run(None, {"x": samples})[0]
    np.testing.assert_allclose(found, np.maximum(samples @ kernel + bias, 0), rtol=1e-5, atol=1e-5)


def test_a_compiled_model_is_imported_without_its_training(tmp_path: Path) -> None:
    model = convnet()
    model.compile(optimizer="adam", loss="mse")
    model.fit(np.zeros((4, 8, 8, 1)), np.zeros((4, 3)), verbose=0)
    for kind in ("keras", "h5"):
        facts = importing(saved(model, tmp_path / kind, kind), tmp_path / kind / "model")
        assert facts.parameters == PARAMETERS


def test_tolerance(tmp_path: Path) -> None:
    """Nothing is as exact as this."""
    facts = importing(saved(MODELS["sequential"](), tmp_path, "keras"), tmp_path / "model")
    with pytest.raises(LeptonError, match="differs from TensorFlow's by"):
        exporting(tmp_path / "model", facts, tmp_path / "onnx", tolerance=0.0)
    assert not (tmp_path / "onnx/model.onnx").exists()


def test_a_model_in_memory_is_imported_and_given_back(tmp_path: Path) -> None:
    model = convnet()
    written = memory.save(model, tmp_path, {"outputs": ("scores",)})
    facts = importing(written.sources, tmp_path / "model", **written.config)
    assert facts.parameters == PARAMETERS and facts.outputs[0].name == "scores"
    again = memory.load(ModelDirectory(path=tmp_path / "model", manifest={}))
    image = np.random.default_rng(1).standard_normal((2, 8, 8, 1)).astype(np.float32)
    np.testing.assert_array_equal(again(image), model(image))


# --- Checkpoints ---


@pytest.mark.parametrize("kind", ["h5", "keras", "safetensors"])
def test_a_checkpoint_has_the_same_bytes_each_time(kind: str, tmp_path: Path) -> None:
    found = set()
    for run in ("a", "b"):
        checkpoint.prepare(7, 1)
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), keras.layers.Dense(2)])
        model.compile(optimizer="adam", loss="mse")
        model.fit(np.ones((8, 3)), np.ones((8, 2)), epochs=2, verbose=0)
        path = tmp_path / f"{run}.{kind}"
        checkpoint.save(model, path, "training")
        found.add(path.read_bytes())
        if kind != "safetensors":
            assert importing([path], tmp_path / run).parameters == 4 * 4 + 5 * 2
    assert len(found) == 1


@pytest.mark.parametrize("value", [None, {}, {"a": np.zeros(2)}])
def test_a_checkpoint_of_something_else(value: Any, tmp_path: Path) -> None:
    with pytest.raises(LeptonError, match=r"keras\.Model"):
        checkpoint.save(value, tmp_path / "x.h5", "training")
