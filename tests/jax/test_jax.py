"""Import and export: the graph computes what JAX computes, and what is wrong is refused with a message that says so."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from lepton_plugin_jax import checkpoint
from lepton_plugin_jax.libraries import jax
from lepton_plugin_jax.program import read_weights
from networks import (
    CONVNET,
    ENCODER,
    MACS,
    PARAMETERS,
    PARTS,
    convnet,
    convnet_weights,
    drawn,
    encoder_weights,
    exporting,
    importing,
    write,
)
from onnx.reference import ReferenceEvaluator

from lepton_rules.plugin import LeptonError, TensorSpec


def function_of(source: str, **modules: str) -> Any:
    """The function that a source makes, here."""
    for name, text in modules.items():
        source = source.replace(f"from {name} import norm", text)
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    return namespace["make"]()


def refused(call: Any) -> str:
    with pytest.raises(LeptonError) as error:
        call()
    text = str(error.value)
    assert text.startswith("lepton: ") and "\n" not in text
    return text


def test_convnet(tmp_path: Path) -> None:
    sources, weights = convnet(tmp_path)
    facts = importing(sources, [weights], tmp_path / "model", outputs=("logits",))
    assert facts.inputs == (TensorSpec("image", "float32", ("batch", 8, 8, 1)),)
    assert facts.outputs == (TensorSpec("logits", "float32", ("batch", 3)),)
    assert (facts.parameters, facts.macs) == (PARAMETERS, MACS)
    names = {str(p.relative_to(tmp_path / "model")) for p in (tmp_path / "model").rglob("*") if p.is_file()}
    assert names == {"program.json", "program/net.py", "program/parts.py", "weights.safetensors"}
    assert json.loads((tmp_path / "model/program.json").read_text())["factory"] == "net:make"
    exporting(tmp_path / "model", facts, tmp_path / "onnx")
    model = onnx.load(tmp_path / "onnx/model.onnx")
    onnx.checker.check_model(model)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 20)]
    image = np.random.default_rng(1).standard_normal((5, 8, 8, 1)).astype(np.float32)
    wanted = function_of(CONVNET, parts=PARTS)(convnet_weights(), image)
    np.testing.assert_allclose(
        ReferenceEvaluator(model).run(None, {"image": image})[0], np.asarray(wanted), rtol=0, atol=1e-4
    )
    assert "net" not in sys.modules and "parts" not in sys.modules


def test_encoder_of_open_length(tmp_path: Path) -> None:
    sources, weights = write(tmp_path, encoder_weights(), net=ENCODER)
    inputs = ("tokens:int32:batch,length", "mask:float32:batch,length")
    facts = importing(sources, [weights], tmp_path / "model", inputs=inputs)
    assert facts.outputs == (
        TensorSpec("hidden", "float32", ("batch", "length", 8)),
        TensorSpec("pooled", "float32", ("batch", 8)),
    )
    assert facts.macs is None
    exporting(tmp_path / "model", facts, tmp_path / "onnx")
    model = onnx.load(tmp_path / "onnx/model.onnx")
    onnx.checker.check_model(model)
    generator = np.random.default_rng(1)
    feeds = {
        "tokens": generator.integers(0, 7, (3, 11)).astype(np.int32),
        "mask": generator.integers(0, 2, (3, 11)).astype(np.float32),
    }
    feeds["mask"][:, 0] = 1
    wanted = function_of(ENCODER)(
        {name: jax.numpy.asarray(array) for name, array in encoder_weights().items()}, feeds["tokens"], feeds["mask"]
    )
    for name, array in zip(("hidden", "pooled"), ReferenceEvaluator(model).run(None, feeds), strict=True):
        np.testing.assert_allclose(array, np.asarray(wanted[name]), rtol=0, atol=1e-4)


def test_same_bytes_twice_and_from_either_kind_of_weights(tmp_path: Path) -> None:
    found = set()
    for run in ("a", "b"):
        sources, weights = convnet(tmp_path / run)
        given = weights if run == "a" else tmp_path / run / "weights.npz"
        facts = importing(sources, [given], tmp_path / run / "model")
        exporting(tmp_path / run / "model", facts, tmp_path / run / "onnx")
        found.add((tmp_path / run / "onnx/model.onnx").read_bytes())
    assert len(found) == 1


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"factory": "net"}, "not module:attribute"),
        ({"factory": "nett:make"}, "no module 'nett' among srcs"),
        ({"factory": "net:mak"}, "Did you mean 'make'"),
        ({"factory": "jax:jit"}, "one of the environment's"),
        ({"kwargs": "[1]"}, "JSON list"),
        ({"kwargs": '{"depth": 3}'}, "depth"),
        ({"inputs": ()}, "there is none"),
        ({"inputs": ("image:float33:n,8,8,1",)}, "Did you mean 'float32'"),
        ({"inputs": ("image:float32:n,-1,8,1",)}, "neither a length nor a name"),
        ({"inputs": ("image:float32:n,8,8,2",)}, "the function fails on"),
        ({"outputs": ("a", "b")}, "gives 1, and 2 are named"),
    ],
    ids=str,
)
def test_bad_configuration(config: dict[str, Any], why: str, tmp_path: Path) -> None:
    sources, weights = convnet(tmp_path)
    assert why in refused(lambda: importing(sources, [weights], tmp_path / "model", **config))


def test_bad_files(tmp_path: Path) -> None:
    sources, weights = convnet(tmp_path)

    def why(sources: tuple[Path, ...], *weights: Path) -> str:
        return refused(lambda: importing(sources, weights, tmp_path / "model"))

    assert "'parts', which is neither in srcs" in why(sources[:1], weights)
    assert "2 files, accepted is one" in why(sources, weights, weights)
    (tmp_path / "pickle").write_bytes(pickle.dumps({"conv": 1}))
    assert "a pickle" in why(sources, tmp_path / "pickle")
    np.savez(tmp_path / "objects.npz", conv=np.array([{}], object))
    assert "pickles" in why(sources, tmp_path / "objects.npz")
    np.savez(tmp_path / "nan.npz", conv=np.array([np.nan], np.float32))
    assert "NaN" in why(sources, tmp_path / "nan.npz")


def test_what_the_graph_cannot_say_fails(tmp_path: Path) -> None:
    source = "import jax\ndef make():\n    return lambda w, x: x * (1.0 if x.shape[0] == 2 else 2.0)\n"
    sources, weights = write(tmp_path, drawn(a=(1,)), net=source)
    facts = importing(sources, [weights], tmp_path / "model", inputs=("x:float32:batch,4",))
    text = refused(lambda: exporting(tmp_path / "model", facts, tmp_path / "onnx"))
    assert text.startswith("lepton: ONNX export: ")
    assert not (tmp_path / "onnx/model.onnx").exists()


def test_tolerance(tmp_path: Path) -> None:
    """Nothing is as exact as this."""
    sources, weights = convnet(tmp_path)
    facts = importing(sources, [weights], tmp_path / "model")
    assert "differs from JAX's by" in refused(
        lambda: exporting(tmp_path / "model", facts, tmp_path / "onnx", tolerance=0.0)
    )


TRAINS = """
import os, sys
from pathlib import Path
sys.path[:0] = sys.argv[3:]
from lepton_plugin_jax import checkpoint
from lepton_plugin_jax.libraries import jax
os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[: int(sys.argv[2])]))
checkpoint.prepare(7, 1)
import jax.numpy as jnp
def loss(weights, x, y):
    return ((jnp.tanh(x @ weights["first"]["kernel"]) @ weights["last"] - y) ** 2).mean()
key = jax.random.key(7)
x = jax.random.normal(key, (2000, 300))
weights = {"first": {"kernel": 0.1 * jax.random.normal(key, (300, 200))}, "last": jnp.zeros((200, 1))}
step = jax.jit(lambda w: jax.tree.map(lambda a, g: a - 0.1 * g, w, jax.grad(loss)(w, x, x[:, :1])))
for _ in range(5):
    weights = step(weights)
checkpoint.save(weights, Path(sys.argv[1]), "training")
"""


def test_training_gives_the_same_bytes_on_any_number_of_cores(tmp_path: Path) -> None:
    found = set()
    for seed, cores in (("0", "1"), ("77", "64")):
        path = tmp_path / f"{seed}.safetensors"
        words = [sys.executable, "-c", TRAINS, str(path), cores, *sys.path]
        subprocess.run(words, env={**os.environ, "PYTHONHASHSEED": seed}, check=True, timeout=120)
        found.add(path.read_bytes())
    assert len(found) == 1
    weights = read_weights(path)
    assert {name: array.shape for name, array in weights.items()} == {"first/kernel": (300, 200), "last": (200, 1)}
    assert np.abs(weights["last"]).max() > 0


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ([np.zeros(2)], "it gave list"),
        ({"a": {}}, "it gave no arrays"),
        ({"a": {"b": "c"}}, "'a/b' is a str"),
        ({0: np.zeros(2)}, "0 is no name"),
        ({"a": np.zeros(2, complex)}, "dtype complex128"),
    ],
    ids=str,
)
def test_a_checkpoint_of_something_else(value: Any, why: str, tmp_path: Path) -> None:
    assert why in refused(lambda: checkpoint.save(value, tmp_path / "x.safetensors", "training"))
    assert not (tmp_path / "x.safetensors").exists()
