"""The SDK as a distribution: built with pip, installed into a fresh environment, used there by a stranger's plugin."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

import lepton_rules

ROOT = Path(lepton_rules.__file__).parent.parent
POCKET = Path(__file__).parent / "pocket"
# What the kit needs beside the SDK: pytest and what pytest needs. They are copied, since no index is asked.
COPIED = ("pluggy", "pytest", "_pytest", "py", "iniconfig", "packaging", "pygments", "yaml")
# pip must run by itself, with nothing of the test's own path.
CLEAN = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONSAFEPATH")}


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        [str(c) for c in command],
        cwd=cwd,
        env={**CLEAN, "PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def packages_path() -> str:
    """Where pip and setuptools are imported from."""
    found = [importlib.util.find_spec(name) for name in ("pip", "setuptools")]
    return os.pathsep.join(dict.fromkeys(str(Path(s.origin).parent.parent) for s in found if s and s.origin))


def pip(*arguments: str | Path, cwd: Path) -> str:
    return run(sys.executable, "-m", "pip", *arguments, cwd=cwd, PYTHONPATH=packages_path())


def copy_tree(source: Path, target: Path) -> None:
    """Copies what links point at: under Bazel every file is one. The copy can be written to."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"), copy_function=shutil.copyfile)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("wheels")
    for name, source in (("sdk", ROOT), ("pocket", POCKET)):
        copy = directory / name
        copy.mkdir()
        for entry in (
            "pyproject.toml",
            *(("README.md", "lepton_rules") if name == "sdk" else ("lepton_plugin_pocket",)),
        ):
            if (source / entry).is_dir():
                copy_tree(source / entry, copy / entry)
            else:
                shutil.copyfile(source / entry, copy / entry)
        pip("wheel", "-q", "--no-index", "--no-deps", "--no-build-isolation", "-w", directory, copy, cwd=directory)
    return directory


@pytest.fixture(scope="module")
def python(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the two distributions and pytest, and nothing else."""
    directory = tmp_path_factory.mktemp("fresh") / "venv"
    venv.create(directory, symlinks=True)
    fresh = directory / "bin" / "python"
    site = next(directory.glob("lib/python3*/site-packages"))
    for name in COPIED:
        spec = importlib.util.find_spec(name)
        assert spec
        assert spec.origin
        origin = Path(spec.origin)
        if origin.name != "__init__.py":
            shutil.copyfile(origin, site / origin.name)
            continue
        copy_tree(origin.parent, site / name)
        for information in origin.parent.parent.glob(f"{name}-*.dist-info"):
            copy_tree(information, site / information.name)
    pip("--python", fresh, "install", "-q", "--no-index", "--find-links", wheels, "lepton-plugin-pocket", cwd=wheels)
    return fresh


def test_the_wheel_holds_what_works_without_bazel(wheels: Path) -> None:
    with zipfile.ZipFile(next(wheels.glob("lepton_rules-*.whl"))) as wheel:
        names = wheel.namelist()
        metadata = wheel.read(next(n for n in names if n.endswith("/METADATA"))).decode()
    assert {
        "lepton_rules/py.typed",
        "lepton_rules/plugin/capabilities.bzl",
        "lepton_rules/manifest/manifest.schema.json",
        "lepton_rules/plugin/contract/driver.py",
        "lepton_rules/recipe/recipe.schema.json",
        "lepton_rules/worker/main.py",
    } <= set(names)
    assert {n.split("/")[1] for n in names if n.startswith("lepton_rules/")} == {
        *("__init__.py", "py.typed", "actions", "api", "cli", "manifest", "measure", "plugin", "recipe", "worker")
    }
    assert f"\nName: lepton-rules\nVersion: {lepton_rules.__version__}\n" in metadata
    assert [line for line in metadata.splitlines() if line.startswith("Requires-Dist") and "extra" not in line] == [
        "Requires-Dist: pluggy>=1.5"
    ]


def test_what_is_installed_is_what_is_tested(python: Path, tmp_path: Path) -> None:
    place = run(python, "-c", "import lepton_rules.plugin as p; print(p.__file__)", cwd=tmp_path).strip()
    assert Path(place).is_relative_to(python.parent.parent)


def test_the_manager_finds_the_distribution(python: Path, tmp_path: Path) -> None:
    program = "from lepton_rules.plugin.manager import load; p = load('pocket'); print(p, p.distribution, *p.passes)"
    assert run(python, "-c", program, cwd=tmp_path) == "plugin pocket 3.1.4 lepton-plugin-pocket 3.1.4 shorten\n"


def test_the_command_and_the_functions_run(python: Path, tmp_path: Path) -> None:
    """With the plugin of a distribution, which nobody names."""
    lepton = python.with_name("lepton")
    assert "  pocket.shorten  text -> text  Cuts lines.\n" in run(lepton, "passes", cwd=tmp_path)
    (tmp_path / "recipe.yaml").write_text("version: 1\nsteps: [{pass: pocket.shorten, config: {width: 4}}]\n")
    program = """
from pathlib import Path
from lepton_rules import manifest
from lepton_rules.plugin import ModelFacts, NoConfig
model = Path("start/model")
model.mkdir(parents=True)
(model / "model.txt").write_text("abcdefgh\\n")
step = manifest.step(component="a.b", config=NoConfig(), plugin="a", version="1", libraries={})
facts = ModelFacts(inputs=(), outputs=(), parameters=1, macs=None)
manifest.write(manifest.build(format="text", facts=facts, directory=model, step=step), Path("start/manifest.json"))
import lepton_rules.api as lepton
print((lepton.shorten("start", width=4, out="by_function").path / "model.txt").read_text())
"""
    assert run(python, "-c", program, cwd=tmp_path) == "abcd\n\n"
    run(lepton, "run", "recipe.yaml", "--model=start", "--out=by_command", cwd=tmp_path)
    one, other = (tmp_path / name / "manifest.json" for name in ("by_function", "by_command"))
    assert one.read_bytes() == other.read_bytes()


def test_the_kit_runs_with_pytest(python: Path, tmp_path: Path) -> None:
    shutil.copyfile(POCKET / "pocket_contract_test.py", tmp_path / "pocket_contract_test.py")
    printed = run(python, "-m", "pytest", "-q", "pocket_contract_test.py", cwd=tmp_path)
    assert "10 passed" in printed


def test_the_kit_runs_without_pytest(python: Path, tmp_path: Path) -> None:
    text = (POCKET / "pocket_contract_test.py").read_text("utf-8")
    cut = text[: text.index("class TestPocket")].replace(
        "from lepton_rules.plugin.contract.pytest_suite import PluginContract\n", ""
    )
    (tmp_path / "pocket_samples.py").write_text(cut, "utf-8")
    printed = run(
        *(python, "-m", "lepton_rules.plugin.contract", "--name=pocket", "--samples=pocket_samples:write"), cwd=tmp_path
    )
    assert printed.count("PASS ") == 10


def test_the_generator_runs(python: Path, tmp_path: Path) -> None:
    run(
        *(python, "-m", "lepton_rules.plugin.generate", "--name=pocket"),
        *("--label=//plugins/pocket", "--output=passes.bzl"),
        cwd=tmp_path,
    )
    assert "pocket = struct(\n    shorten = _shorten,\n)" in (tmp_path / "passes.bzl").read_text("utf-8")
