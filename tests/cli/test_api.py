"""The passes as Python functions, on the plugin onnx and on one that needs no library."""

from __future__ import annotations

import gc
import inspect
from collections import UserString
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from words_samples import LINES, WORDS, lines

import lepton_rules
import lepton_rules.api as lepton
from lepton_rules.actions.npz import write_npz
from lepton_rules.cli.main import main
from lepton_rules.plugin import HardwareFacts, LeptonError

ONNX = Path(lepton_rules.__file__).parent.parent / "plugins" / "onnx"
CHIP = HardwareFacts(
    target="chip",
    runtime="none",
    capabilities=frozenset({"int8", "int8_per_channel", "uint8_activations", "int8_asymmetric", "int8_full_range"}),
)


@pytest.fixture(scope="module", autouse=True)
def plugins() -> None:
    lepton.use("words", WORDS)
    lepton.use("onnx", ONNX)


@pytest.fixture(scope="module")
def story(plugins: None) -> lepton.Model:
    """Imported once: each step is a process."""
    return lepton.model(UserString("\n".join(LINES)))


@pytest.fixture(scope="module")
def network() -> onnx.ModelProto:
    rng = np.random.default_rng(0)
    kernel = numpy_helper.from_array(rng.standard_normal((4, 1, 3, 3)).astype(np.float32), "kernel")
    matrix = numpy_helper.from_array(rng.standard_normal((4 * 36, 3)).astype(np.float32), "matrix")
    nodes = [
        helper.make_node("Conv", ["image", "kernel"], ["features"], name="conv"),
        helper.make_node("Flatten", ["features"], ["flat"], name="flatten"),
        helper.make_node("MatMul", ["flat", "matrix"], ["logits"], name="matmul"),
    ]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, 8, 8])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 3])],
        [kernel, matrix],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture(scope="module")
def images() -> np.ndarray[Any, Any]:
    return np.random.default_rng(1).standard_normal((16, 1, 8, 8)).astype(np.float32)


def test_a_model_in_memory_becomes_one_in_memory(network: onnx.ModelProto, images: Any) -> None:
    small = lepton.quantize(network, calibration={"image": images}, hardware=CHIP)
    assert small.manifest["hardware"]["target"] == "chip"
    assert [step["pass"] for step in small.manifest["steps"]] == ["onnx.onnx", "onnx.quantize"]
    loaded = small.load()
    assert isinstance(loaded, onnx.ModelProto)
    assert {node.op_type for node in loaded.graph.node} >= {"QuantizeLinear", "DequantizeLinear"}
    assert network.graph.node[0].op_type == "Conv"  # The caller's own stays as it was.


def test_memory_disk_recipe_and_shell_give_the_same(network: onnx.ModelProto, images: Any, tmp_path: Path) -> None:
    one = lepton.quantize(network, calibration=images, hardware=CHIP, calibrator="Entropy")
    onnx.save(network, tmp_path / "model.onnx")
    imported = lepton.model(tmp_path / "model.onnx", importer="onnx.onnx", out=tmp_path / "imported")
    write_npz({"image": images}, tmp_path / "images.npz")
    two = lepton.onnx.quantize(imported, calibration=tmp_path / "images.npz", hardware=CHIP, calibrator="Entropy")
    facts = {
        "target": "chip",
        "runtime": "none",
        "capabilities": sorted(CHIP.capabilities),
        "options": {},
        "threads": 1,
    }
    recipe = {"hardware": facts, "steps": [{"pass": "onnx.quantize", "config": {"calibrator": "Entropy"}}]}
    three = lepton.run(recipe, tmp_path / "imported", calibration={"image": images})
    assert one.manifest == two.manifest == three.manifest
    (tmp_path / "recipe.yaml").write_text(f"version: 1\nhardware: {facts}\nsteps: {recipe['steps']}\n")
    places = ("--model", tmp_path / "imported", "--out", tmp_path / "out")
    words = ("run", tmp_path / "recipe.yaml", *places, "--dataset", f"calibration={tmp_path / 'images.npz'}")
    assert main([*map(str, words), f"--plugin=onnx={ONNX}"]) == 0
    assert (tmp_path / "out" / "manifest.json").read_bytes() == three.on_disk.manifest_path.read_bytes()
    assert lepton.run(tmp_path / "recipe.yaml", imported, calibration=images).manifest == one.manifest


def test_a_model_that_is_kept_nowhere_vanishes(tmp_path: Path, story: lepton.Model) -> None:
    made = lepton.shorten(story, width=2)
    path = made.path
    assert lines(path.parent) == [line[:2] for line in LINES]
    saved = made.save(tmp_path / "kept")
    del made
    gc.collect()
    assert not path.exists()
    assert lines(saved) == [line[:2] for line in LINES]
    assert lepton.model(saved).manifest["format"] == "words"
    with pytest.raises(LeptonError, match="it is there already"):
        lepton.model(saved).save(tmp_path / "kept")


def test_out_keeps_the_model(tmp_path: Path, story: lepton.Model) -> None:
    lepton.shorten(story, width=2, out=tmp_path / "out")
    gc.collect()
    assert lines(tmp_path / "out") == [line[:2] for line in LINES]


def test_options_come_from_the_hardware_where_nobody_gives_them(story: lepton.Model) -> None:
    assert lepton.shorten(story, hardware="narrow").load() == "\n".join(line[:3] for line in LINES)
    assert lepton.shorten(story, hardware="narrow", width=1).load() == "\n".join(line[:1] for line in LINES)
    assert lepton.shorten(story, config={"width": 1}).load() == "\n".join(line[:1] for line in LINES)


def test_the_seed_reaches_the_pass(story: lepton.Model) -> None:
    assert len({str(lepton.shuffle(story, hardware="narrow", seed=seed).load()) for seed in range(3)}) > 1


def test_a_verb_runs_the_pass_that_takes_the_model(story: lepton.Model) -> None:
    line = lepton.export(story, "line", mark=" ")
    assert line.manifest["format"] == "line"
    assert lepton.shuffle(line).manifest["steps"][-1]["pass"] == "words.shuffle_words"
    shuffled = lepton.shuffle(story, hardware="narrow").manifest["steps"][-1]["pass"]
    assert shuffled == "words.shuffle_lines"
    chosen = lepton.shuffle(line, method="words").manifest["steps"][-1]["pass"]
    assert chosen == "words.shuffle_words"


def test_an_exporter_is_put_in_where_the_pass_needs_it(story: lepton.Model) -> None:
    counted = lepton.count(story, hardware="printer")
    assert [step["pass"] for step in counted.manifest["steps"]] == ["words.text", "words.join", "words.count"]


def test_export_goes_where_the_hardware_needs_it(story: lepton.Model) -> None:
    assert lepton.export(story, hardware="printer").manifest["steps"][-1]["config"] == {"mark": "+"}
    with pytest.raises(LeptonError, match="there is neither a format nor hardware"):
        lepton.export(story)
    with pytest.raises(LeptonError, match=r"lepton.export takes onnx, the model is words, and none of the plugins"):
        lepton.export(story, "onnx")


def test_slots_take_files_and_models(tmp_path: Path, story: lepton.Model) -> None:
    (tmp_path / "more.txt").write_text("the end\n")
    other = lepton.shorten(story, width=4)
    made = lepton.append(story, more=tmp_path / "more.txt", other=other)
    assert made.load() == "\n".join([*LINES, "the end", *(line[:4] for line in LINES)])
    again = lepton.append(story, more=str(tmp_path / "more.txt"), other=UserString("x"))
    assert again.load() == "\n".join([*LINES, "the end", "x"])


def test_importers_take_files(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a\n")
    (tmp_path / "b.txt").write_text("b\n")
    made = lepton.model(tmp_path / "a.txt", importer="words.text", sources=[tmp_path / "b.txt"])
    assert made.load() == "a\nb"
    assert repr(made).startswith("<words model, 4 bytes, sha256:")


def test_refusals(network: onnx.ModelProto, images: Any, tmp_path: Path, story: lepton.Model) -> None:
    for call, message in (
        (lambda: lepton.quantize(network), "slot calibration of onnx.quantize: nothing is bound to it"),
        (lambda: lepton.shorten(story, widht=3), "there is no option 'widht'. Did you mean 'width'?"),
        (lambda: lepton.shorten(story, width="3"), "'width' is '3' (str), accepted is an int"),
        (lambda: lepton.shuffle(story, method="lins"), "there is no method 'lins'. Did you mean 'lines'?"),
        (lambda: lepton.shuffle(story, hardware="printer"), "it needs int8, which hardware printer does not have"),
        (lambda: lepton.shorten(3), "model of class builtins.int: no plugin here takes it"),
        (lambda: lepton.shorten(tmp_path / "absent"), "model absent: there is no"),
        (lambda: lepton.shorten(network), "the model is onnx; the passes of that name take words"),
        (lambda: lepton.words.shorten(network), "words.shorten takes words, the model is onnx, and none"),
        (lambda: lepton.model(tmp_path, importer="words.txt"), "importer words.txt: there is no such one"),
        (lambda: lepton.run({"stesp": []}, story), "it has the unknown key 'stesp'. Did you mean 'steps'?"),
        (lambda: lepton.fail(story), "lepton: words in lepton.words.fail: there are none"),
        (lambda: lepton.use("pocket"), "no installed distribution has the entry point 'pocket'"),
        (lambda: lepton.append(story, more=np.ones(3)), "slot more: the model has 0 inputs"),
    ):
        with pytest.raises(LeptonError) as caught:
            call()
        assert message in str(caught.value)
    assert lepton.shorten(story) is not None  # A plugin that could not be loaded is forgotten.


def test_names_that_are_not_there() -> None:
    with pytest.raises(AttributeError, match=r"no plugin here has a pass 'shortn'. Did you mean 'shorten'?"):
        _ = lepton.shortn
    with pytest.raises(AttributeError, match=r"plugin words has no pass 'shortn'. Did you mean 'shorten'?"):
        _ = lepton.words.shortn


def test_a_notebook_can_look_around() -> None:
    assert {"quantize", "shuffle", "shorten", "words", "onnx", "export", "run"} <= set(dir(lepton))
    assert "shuffle_lines" in dir(lepton.words)
    function = lepton.words.shorten
    assert str(inspect.signature(function)).startswith("(model, /, *, width=10, side='left', hardware=None, seed=0")
    assert "Characters that stay." in (inspect.getdoc(function) or "")
    assert list(inspect.signature(lepton.words.append).parameters)[1:3] == ["more", "other"]
    assert "lepton.words.shuffle_lines, lepton.words.shuffle_words" in (inspect.getdoc(lepton.shuffle) or "")
