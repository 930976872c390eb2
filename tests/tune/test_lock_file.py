"""The lock file is an ordinary recipe."""

from __future__ import annotations

from pathlib import Path

import pytest
from samples import EXPORT, QUANTIZE, SMOOTH, facts, step

from lepton_rules.tune.lock_file import constructor_file, has_constructors, lock_text, recipe
from lepton_rules.tune.space import Candidate, Space

GOLDEN = Path(__file__).with_name("golden.lock.bzl")
FOUND = [
    "The recipe that a search found for //models:net_int8. Review it like any other; builds never search.",
    '    bazel run //models:net_int8.tune -- --trials 12 --seed 0 --objective "latency; accuracy_drop<=0.005"',
    "",
    "Trial 7, after 12 trials: onnx.quantize.calibrator=Entropy.",
]


def space() -> Space:
    quantize = QUANTIZE | {
        "config": QUANTIZE["config"] | {"exclude": ["head"], "max_samples": 8, "symmetric": True},
        "origins": QUANTIZE["origins"]
        | {"exclude": "the recipe", "symmetric": "//chips:chip", "max_samples": "the artifact"},
    }
    unit = {"unit": {"type": "string", "default": "b", "choices": ["a", "b"], "optional": False}}
    place = step("place", unit) | {"plugin": "chip", "plugin_label": "@chips//plugin:chip"}
    return Space(facts([EXPORT, SMOOTH, quantize, place]))


CANDIDATE = Candidate(
    without=(), changes={1: {"alpha": 0.25}, 2: {"calibrator": "Entropy", "per_channel": False}, 3: {"unit": "a"}}
)
CONSTRUCTORS = {"//plugins/onnx:onnx": True, "//plugins/torch:torch": True, "@chips//plugin:chip": False}


def test_golden() -> None:
    text = lock_text(space(), CANDIDATE, found=FOUND, has_constructor=CONSTRUCTORS)
    assert text == GOLDEN.read_text("utf-8"), f"lepton: {GOLDEN.name} is not what is written now. Write this:\n{text}"


def test_what_chip_plugin_and_artifact_set_stays_theirs_and_inserted_exporters_are_not_named() -> None:
    steps = recipe(space(), Candidate(without=(1,), changes={}))
    assert [(one["name"], config) for one, config in steps] == [("quantize", {"exclude": ["head"]}), ("place", {})]


def test_an_empty_recipe_is_a_recipe() -> None:
    text = lock_text(space(), Candidate(without=(1, 2, 3), changes={}), found=FOUND[:1], has_constructor=CONSTRUCTORS)
    assert text.endswith('"""\n\nRECIPE = [\n]\n')


@pytest.mark.parametrize("folder", ["chips", "chips~", "chips+"])
def test_constructors_are_found_in_the_workspace_and_in_modules(tmp_path: Path, folder: str) -> None:
    own = tmp_path / "workspace" / "plugins" / "onnx" / "passes.bzl"
    theirs = tmp_path / "base" / "external" / folder / "plugin" / "passes.bzl"
    for file, name in [(own, "onnx"), (theirs, "chip")]:
        file.parent.mkdir(parents=True)
        file.write_text(f"x = 1\n\n{name} = struct(\n)\n")

    def found(label: str, plugin: str) -> bool:
        place = constructor_file(label, workspace=tmp_path / "workspace", output_base=tmp_path / "base")
        return has_constructors(place, plugin)

    assert found("//plugins/onnx:onnx", "onnx")
    assert found("@chips//plugin:chip", "chip")
    assert not found("@chips//plugin:chip", "other")
    assert not found("@unknown//plugin:chip", "chip")
