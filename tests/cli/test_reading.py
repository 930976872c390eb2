"""Recipe files: what is one, and what is said of what is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from lepton_rules.manifest import schema
from lepton_rules.plugin import LeptonError
from lepton_rules.recipe import reading
from lepton_rules.recipe.reading import Recipe, RecipeStep

GOOD = """
version: 1
hardware: cpu_vnni
isa: x86_64_avx2
seed: 3
threads: 2
steps:
  - pass: onnx.optimize
  - pass: onnx.quantize
    config: {calibrator: Entropy, exclude: [a, b]}
    config_version: 1
    slots:
      calibration: "//data:digits calibration"
"""
FACTS = {"target": "cpu", "runtime": "onnxruntime", "capabilities": ["int8"], "options": {"a": "b"}, "threads": 2}


def read(text: str, tmp_path: Path) -> Recipe:
    path = tmp_path / "recipe.yaml"
    path.write_text(text, "utf-8")
    return reading.read(path)


def refused(text: str, tmp_path: Path) -> str:
    with pytest.raises(LeptonError) as caught:
        read(text, tmp_path)
    return str(caught.value).replace(str(tmp_path), "")


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(dict(reading.load_schema()))


def test_a_whole_recipe(tmp_path: Path) -> None:
    assert read(GOOD, tmp_path) == Recipe(
        steps=(
            RecipeStep(name="onnx.optimize"),
            RecipeStep(name="onnx.quantize", config={"calibrator": "Entropy", "exclude": ["a", "b"]}, config_version=1),
        ),
        hardware="cpu_vnni",
        isa="x86_64_avx2",
        seed=3,
        threads=2,
    )


def test_the_least_recipe(tmp_path: Path) -> None:
    assert read("version: 1\nsteps: []\n", tmp_path) == Recipe(steps=())


def test_the_facts_of_a_chip(tmp_path: Path) -> None:
    assert read(f"version: 1\nhardware: {json.dumps(FACTS)}\nsteps: []\n", tmp_path).hardware == FACTS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version: 1\nstep: []", "it has the unknown key 'step'. Did you mean 'steps'?"),
        ("version: 1\nsteps: []\nsede: 1", "it has the unknown key 'sede'. Did you mean 'seed'?"),
        (
            "version: 1\nsteps: [{pass: a.b}, {pass: a.b, confg: {}}]",
            "step 2 has the unknown key 'confg'. Did you mean 'config'?",
        ),
        (
            f"version: 1\nsteps: []\nhardware: {json.dumps({**FACTS, 'capabilites': []})}",
            "hardware has the unknown key 'capabilites'. Did you mean 'capabilities'?",
        ),
        ("version: 2\nsteps: []", "its version is 2, accepted is 1"),
        ("steps: []", "$: 'version' is missing"),
        ("version: 1", "$: 'steps' is missing"),
        ("version: true\nsteps: []", "$.version: True is not 1"),
        ("version: 1\nsteps: [onnx.optimize]", "$.steps[0]: 'onnx.optimize' is no object"),
        ("version: 1\nsteps: [{pass: optimize}]", "$.steps[0].pass: 'optimize' does not match"),
        ("version: 1\nsteps: [{config: {}}]", "$.steps[0]: 'pass' is missing"),
        ("version: 1\nsteps: [{pass: a.b, config: [1]}]", "$.steps[0].config: [1] is no object"),
        ("version: 1\nsteps: []\nthreads: 0", "$.threads: 0 is less than 1"),
        ("version: 1\nsteps: []\nseed: x", "$.seed: 'x' is no integer"),
        ("version: 1\nsteps: []\nhardware: {target: cpu}", "$.hardware: 'runtime' is missing"),
        ("- a", "it holds no keys"),
        ("", "it holds no keys"),
    ],
)
def test_what_is_no_recipe(text: str, message: str, tmp_path: Path) -> None:
    line = refused(text, tmp_path)
    assert line.startswith("lepton: recipe /recipe.yaml: ")
    assert message in line


def test_what_is_no_file(tmp_path: Path) -> None:
    for path, why in ((tmp_path / "absent.yaml", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(LeptonError, match=f"it cannot be read: {why}"):
            reading.read(path)
    (tmp_path / "latin.yaml").write_bytes(b"version: 1 # \xe9")
    with pytest.raises(LeptonError, match="it is not UTF-8"):
        reading.read(tmp_path / "latin.yaml")


@pytest.mark.parametrize(
    "value",
    [
        {"version": 1, "steps": [{"pass": "a.b", "config": {"x": [1]}, "slots": {"c": "d"}}]},
        {"version": 1, "steps": [], "hardware": FACTS},
        {"version": 1, "steps": [], "hardware": ""},
        {"version": 1, "steps": [], "hardware": {**FACTS, "threads": 0}},
        {"version": 1, "steps": [{"pass": "a"}]},
        {"version": 1, "steps": {}},
    ],
)
def test_our_validator_and_jsonschema_agree(value: Any) -> None:
    theirs = jsonschema.Draft202012Validator(dict(reading.load_schema())).is_valid(value)
    assert (not list(schema.problems(value, reading.load_schema()))) is theirs
