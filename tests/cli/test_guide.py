"""docs/command-line.md: its recipe is one, its options are there, its Python names are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import lepton_rules
from lepton_rules import api
from lepton_rules.cli.main import main
from lepton_rules.recipe import reading

GUIDE = (Path(lepton_rules.__file__).parent.parent / "docs" / "command-line.md").read_text("utf-8")
# Of Bazel, and of pip.
FOREIGN = {"--output_groups"}


def test_the_recipe_is_one(tmp_path: Path) -> None:
    (text,) = re.findall(r"^```yaml\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
    (tmp_path / "recipe.yaml").write_text(text, "utf-8")
    recipe = reading.read(tmp_path / "recipe.yaml")
    assert [step.name for step in recipe.steps] == ["onnx.optimize", "onnx.quantize"]
    assert recipe.steps[1].config == {"calibrator": "Entropy"}


def test_its_options_are_there(capsys: pytest.CaptureFixture[str]) -> None:
    helped = ""
    for command in re.findall(r"^\| `lepton (\w+)", GUIDE, re.MULTILINE):
        with pytest.raises(SystemExit) as left:
            main([command, "--help"])
        assert left.value.code == 0
        helped += capsys.readouterr().out
    there = set(re.findall(r"--\w+", helped))
    named = set(re.findall(r"--\w+", GUIDE)) - FOREIGN
    assert len(named) > 10
    assert named <= there


def test_every_command_and_option_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    commands = set(re.findall(r"^    (\w+) {3,}", capsys.readouterr().out, re.MULTILINE))
    assert commands == set(re.findall(r"^\| `lepton (\w+)", GUIDE, re.MULTILINE))


def test_its_python_names_are_there() -> None:
    for name in ("use", "model", "export", "run", "Model", "LeptonError"):
        assert name in api.__all__
    for name in re.findall(r"\bsmall\.(\w+)", GUIDE):
        assert hasattr(api.Model, name)
