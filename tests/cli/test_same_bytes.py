"""An artifact of a build and `lepton run` by hand: the same files, byte for byte, after every step."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

import lepton_rules
from lepton_rules import manifest as manifests
from lepton_rules.recipe import reading
from lepton_rules.worker import isa

HERE = Path(lepton_rules.__file__).parent.parent / "tests" / "cli"
STEPS = ["torch.pytorch_to_onnx", "onnx.optimize", "onnx.quantize"]

RECIPE = """\
# //tests/cli:recipe: lepton run --hardware TARGET plans it for a chip.
version: 1
steps:
  - pass: onnx.optimize
    config_version: 1
  - pass: onnx.quantize
    config:
      calibrator: "Percentile"
      percentile: 99.5
    config_version: 1
"""


def lepton(*arguments: object, cwd: Path) -> str:
    """Runs the command that the target //tests/cli:lepton is."""
    done = subprocess.run(
        [HERE / "lepton.sh", *map(str, arguments)],
        cwd=cwd,
        # A shell's variables, which no step may see.
        env={**os.environ, "BUILD_WORKING_DIRECTORY": str(cwd), "PYTHONHASHSEED": "11", "OMP_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def built(number: int, name: str) -> Path:
    return HERE / "artifact" / f"{number}_{name}"


def same(made: Path, wanted: Path) -> None:
    """Both directories hold one model: manifest, digest, and every byte of every file."""
    assert manifests.read(made / "manifest.json")["digest"] == manifests.read(wanted / "manifest.json")["digest"]
    for name in ("manifest.json", "weights.sha256"):
        assert (made / name).read_bytes() == (wanted / name).read_bytes()
    files = {path.relative_to(made) for path in (made / "model").rglob("*") if path.is_file()}
    assert files == {path.relative_to(wanted) for path in (wanted / "model").rglob("*") if path.is_file()}
    for name in files:
        assert (made / name).read_bytes() == (wanted / name).read_bytes(), name


def check_every_step(out: Path) -> None:
    for number, name in enumerate(STEPS, 1):
        same(out if number == len(STEPS) else out / "steps" / f"{number}_{name}", built(number, name))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with the names that the commands of a manifest use."""
    shutil.copyfile(HERE / "images" / "calibration.npz", tmp_path / "calibration.npz")
    shutil.copyfile(HERE / "chain_network.py", tmp_path / "chain_network.py")
    shutil.copyfile(HERE / "weights.safetensors", tmp_path / "weights.safetensors")
    return tmp_path


def test_the_artifacts_recipe_repeats_every_step(place: Path) -> None:
    recipe = HERE / "artifact" / "recipe.yaml"
    printed = lepton(
        *("run", recipe, "--model", HERE / "network", "--dataset", "calibration=calibration.npz", "--out", "out"),
        cwd=place,
    )
    assert [line.split("\t")[0] for line in printed.splitlines()] == STEPS
    check_every_step(place / "out")


def test_the_recipe_planned_by_hand_is_what_bazel_planned(place: Path) -> None:
    recipe = HERE / "recipe" / "recipe.yaml"
    (place / "seeded.yaml").write_text(
        recipe.read_text("utf-8") + f"hardware: cpu\nseed: 5\nisa: {isa.detect()}\n", "utf-8"
    )
    lepton(
        *("run", "seeded.yaml", "--model", HERE / "network", "--dataset", "calibration=calibration.npz"),
        *("--out", "out"),
        cwd=place,
    )
    check_every_step(place / "out")


def test_the_commands_in_the_manifest_repeat_every_step(place: Path) -> None:
    wanted = [HERE / "network", *(built(number, name) for number, name in enumerate(STEPS, 1))]
    steps = manifests.read(wanted[-1] / "manifest.json")["steps"]
    assert [step["pass"] for step in steps] == ["torch.pytorch", *STEPS]
    for step, model in zip(steps, wanted, strict=True):
        for path in (str(HERE), str(Path.cwd()), "bazel-out", "/"):
            assert path not in step["command"]
        program, *words = shlex.split(step["command"])
        assert program == "lepton"
        lepton(*words, cwd=place)
        same(place / "out", model)
        shutil.rmtree(place / "model", ignore_errors=True)
        (place / "out").rename(place / "model")


def test_a_recipe_writes_itself() -> None:
    assert (HERE / "recipe" / "recipe.yaml").read_text("utf-8") == RECIPE


def test_an_artifact_writes_what_it_plans() -> None:
    """The recipe says what the manifest tells of what was done, and reads as it was written."""
    for name, directory, seed, steps in (("artifact", built(3, STEPS[-1]), 5, STEPS), ("bound", None, 0, [])):
        path = HERE / name / "recipe.yaml"
        text = path.read_text("utf-8")
        recipe = reading.read(path)
        done = manifests.read((directory or HERE / "bound" / "1_bind") / "manifest.json")
        assert text.startswith(
            f'# //tests/cli:{name}: lepton run repeats it.\nversion: 1\nhardware:\n  target: "cpu"\n'
        )
        assert isinstance(recipe.hardware, dict)
        assert {key: recipe.hardware[key] for key in done["hardware"]} == done["hardware"]
        assert (recipe.seed, recipe.threads, recipe.isa) == (seed, 1, isa.detect())
        assert [step.name for step in recipe.steps] == steps
        wanted = done["steps"][1:] if steps else []
        assert [(dict(step.config), step.config_version) for step in recipe.steps] == [
            (step["config"], step["config_version"]) for step in wanted
        ]
        assert text.count('    slots:\n      calibration: "//tests/cli:images calibration"\n') == len(steps[2:])


def test_an_artifact_without_steps_is_repeated_too(tmp_path: Path) -> None:
    lepton("run", HERE / "bound" / "recipe.yaml", "--model", built(3, STEPS[-1]), "--out", "out", cwd=tmp_path)
    same(tmp_path / "out", HERE / "bound" / "1_bind")


def test_the_command_knows_its_plugins(tmp_path: Path) -> None:
    printed = lepton("passes", cwd=tmp_path)
    assert ["torch.pytorch_to_onnx", "pytorch", "->", "onnx"] in [line.split()[:4] for line in printed.splitlines()]
    assert "onnx.quantize: pass of plugin onnx" in lepton("explain", "onnx.quantize", cwd=tmp_path)
