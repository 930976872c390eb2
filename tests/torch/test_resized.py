"""A model whose layers shrank stays a factory, a record and weights; a record that lies is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from networks import RESIDUAL, exported_from, imported, module_in, opened, passing, residual
from safetensors.torch import load

from lepton_rules.plugin import LeptonError, ModelDirectory


@pytest.fixture(scope="module")
def pruned(tmp_path_factory: pytest.TempPathFactory) -> ModelDirectory:
    directory = tmp_path_factory.mktemp("pruned")
    return passing("prune_channels", residual(directory), directory / "pruned", {"ratio": 0.5, "round_to": 1})


def test_it_is_a_model_like_any_other(pruned: ModelDirectory, tmp_path: Path) -> None:
    assert sorted(path.name for path in pruned.path.iterdir()) == ["program", "program.json", "weights.safetensors"]
    resized = json.loads((pruned.path / "program.json").read_text())["resized"]
    assert resized["parameters"] == {}
    assert resized["layers"]["stem"] == {"groups": 1, "in_channels": 1, "out_channels": 4}
    assert resized["layers"]["blocks.1.shortcut.1"] == {"num_features": 8}
    assert resized["layers"]["head"] == {"in_features": 8, "out_features": 3}
    with opened(pruned) as module, torch.no_grad():
        weights = load((pruned.path / "weights.safetensors").read_bytes())
        assert all(torch.equal(tensor, weights[name]) for name, tensor in module.state_dict().items())
        assert module(torch.zeros(2, 1, 8, 8)).shape == (2, 3)
        assert sum(p.numel() for p in module.parameters()) == pruned.manifest["parameters"]
    facts = exported_from(pruned, tmp_path / "onnx")
    assert facts.macs == pruned.manifest["macs"]
    graph = onnx.load(tmp_path / "onnx/model.onnx").graph
    assert sorted({t.dims[0] for t in graph.initializer if len(t.dims) == 4}) == [4, 8]


def test_a_pruned_model_can_be_pruned_again(pruned: ModelDirectory, tmp_path: Path) -> None:
    again = passing("prune_channels", pruned, tmp_path / "again", {"ratio": 0.5, "round_to": 1})
    layers = json.loads((again.path / "program.json").read_text())["resized"]["layers"]
    assert layers["stem"]["out_channels"] == 2 and layers["head"]["in_features"] == 4
    with opened(again) as module:
        assert module(torch.zeros(1, 1, 8, 8)).shape == (1, 3)


def test_free_parameters_and_groups(tmp_path: Path) -> None:
    """A parameter of a module of the user's own, and a depthwise convolution, shrink with what they belong to."""
    source = RESIDUAL.replace(
        "self.head = ",
        "self.scale = nn.Parameter(torch.ones(2 * width, 1, 1)); self.depth = "
        "nn.Conv2d(2 * width, 2 * width, 3, padding=1, groups=2 * width)\n        self.head = ",
    ).replace("self.blocks(self.stem(x))", "(self.depth(self.blocks(self.stem(x))) * self.scale)")
    model = imported(tmp_path, source, module_in(tmp_path, source))
    pruned = passing("prune_channels", model, tmp_path / "pruned", {"ratio": 0.5, "round_to": 1})
    resized = json.loads((pruned.path / "program.json").read_text())["resized"]
    assert resized["parameters"] == {"scale": [8, 1, 1]}
    assert resized["layers"]["depth"] == {"groups": 8, "in_channels": 8, "out_channels": 8}
    with opened(pruned) as module:
        assert module(torch.zeros(1, 1, 8, 8)).shape == (1, 3)


def _layer(name: str, **sizes: object) -> Any:
    return lambda record: record["layers"].setdefault(name, {}).update(sizes)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda record: record.pop("layers"), "keys layers and parameters"),
        (lambda record: record.update(more={}), "keys layers and parameters"),
        (lambda record: record.update(layers=[]), "no object of objects"),
        (lambda record: record.update(parameters={"x": 3}), "no object of lists"),
        (_layer("stem", out_channels=0), "no whole number"),
        (_layer("stem", out_channels=-4), "no whole number"),
        (_layer("stem", out_channels=4.0), "no whole number"),
        (_layer("stem", out_channels=True), "no whole number"),
        (_layer("stem", out_channels=1 << 40), "no whole number"),
        (_layer("stem", out_channels=9), "the factory makes 8"),
        (_layer("stem", kernel_size=1), "it has in_channels"),
        (_layer("stem", groups=3), "the factory makes 1"),
        (_layer("blocks.0.shortcut", num_features=1), "it cannot be resized"),
        (_layer("", num_features=1), "it cannot be resized"),
        (_layer("sten", out_channels=1), "which the factory does not make"),
        (_layer("stem", out_channels=3), "in the module it is"),
        (lambda record: record["parameters"].update({"stem.weight": [4, 1, 3]}), "the factory makes [4, 1, 3, 3]"),
        (lambda record: record["parameters"].update({"stem.weight": [400, 1, 3, 3]}), "the factory makes"),
        (lambda record: record["parameters"].update({"stem.wait": [4]}), "which the factory does not make"),
    ],
)
def test_a_record_that_lies_is_refused(change: Any, why: str, pruned: ModelDirectory, tmp_path: Path) -> None:
    program = json.loads((pruned.path / "program.json").read_text())
    change(program["resized"])
    for path in pruned.path.rglob("*"):
        if path.is_file():
            target = tmp_path / "model" / path.relative_to(pruned.path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    (tmp_path / "model/program.json").write_text(json.dumps(program))
    with (
        pytest.raises(LeptonError) as caught,
        opened(ModelDirectory(path=tmp_path / "model", manifest=pruned.manifest)),
    ):
        pass
    assert why in str(caught.value) and "\n" not in str(caught.value)
