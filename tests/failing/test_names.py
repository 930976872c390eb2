"""Names that Bazel allows, and text that a recipe may hold, reach files, flag files, launchers and reports unharmed."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from bazel import Bazel, Result

# Bazel itself refuses `:`, `\` and what cannot be printed in a target's name, and more in a package's.
_NAMES = {
    "shell": 'it\'s "100%" $(touch pwned) `touch pwned` %s %{label} {label} {0} a=b,c [d] ;|&<>*?!#~^+',
    "long": "n" * 200,
    "flag": "--label=other",
    "response_file": "@args",
    "folder": ".hidden/name",
}
_PACKAGE = "names/$(touch${IFS}pwned)it's{x}100%a=b"

# Bazel 7.7.1 cannot start a test whose package has a space in its name, nor, in a locale other than Latin-1, one whose
# name is not ASCII. It builds them.
_BUILT = {
    "unicode": ("names/built", "größe_模型_🦊"),
    "spaces": ("names/built $(touch pwned)", "a b"),
}

_TARGETS = """
lepton_dataset(
    name = {name} + ".data",
    srcs = ["coins.py"],
    config = json.encode({{"count": 12}}),
    environment = "@lepton_rules_onnx//:environment",
    generator = "coins:tosses",
    split_indices = "splits.json",
    splits = ["evaluation", "train"],
)
lepton_model(name = {name} + ".model", importer = sample.text(), weights = ["//good:hello.txt"])
lepton_recipe(name = {name} + ".recipe", passes = [sample.study(), sample.append()])
lepton_hardware(name = {name} + ".chip", plugin = "//scribe", target = "desk", options = {{{name}: {name}}})
lepton_artifact(
    name = {name},
    dataset = ":" + {name} + ".data",
    hardware = ":" + {name} + ".chip",
    model = ":" + {name} + ".model",
    recipe = ":" + {name} + ".recipe",
    slots = {{":" + {name} + ".data": "notes=train"}},
)
"""

_TESTS = """
lepton_artifact(
    name = {name} + ".other",
    dataset = ":" + {name} + ".data",
    hardware = ":" + {name} + ".chip",
    model = ":" + {name} + ".model",
)
lepton_budgets(
    name = {name} + "_budgets",
    artifact = ":" + {name},
    baseline = ":" + {name} + ".other",
    max_p50_ms = 1000,
    max_size_bytes = 100,
    min_agreement = 1,
)
"""

_TEXTS = {
    "empty": "",
    "spaces": " leading and trailing ",
    "lines": "two\nlines\r\nand a\ttab\n",
    "quotes": 'it\'s "quoted" \\ and back\\\\slashed',
    "placeholders": "%s %d %% %{label} {} {0} ${HOME} $(id) `id` ; & |",
    "flag": "--output_model=/tmp/x",
    "response_file": "@/etc/passwd",
    "unicode": "größe 模型 🦊 \u2028\u2029\ufeff\u0085",
    "control": "\x01\x1f\x7f",
    "long": "x" * 100_000,
}


def _starlark(text: str) -> str:
    """A text as a BUILD file writes it."""
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return '"' + "".join(escapes.get(character, character) for character in text) + '"'


_LOADS = """\
load(
    "@lepton_rules//lepton_rules:defs.bzl",
    "lepton_artifact",
    "lepton_budgets",
    "lepton_dataset",
    "lepton_hardware",
    "lepton_model",
    "lepton_recipe",
)
load("//sample:passes.bzl", "sample")
"""


@pytest.fixture(scope="module")
def result(bazel: Bazel) -> Result:
    texts = bazel.workspace / "texts"
    texts.mkdir()
    for package, name, targets in [
        *((_PACKAGE, name, _TARGETS + _TESTS) for name in _NAMES.values()),
        *((package, name, _TARGETS) for package, name in _BUILT.values()),
    ]:
        folder = bazel.workspace / package
        if not folder.exists():
            folder.mkdir(parents=True)
            (folder / "BUILD.bazel").write_text(_LOADS, encoding="utf-8")
            for file in ("coins.py", "splits.json"):
                (folder / file).write_bytes((bazel.workspace / "data" / file).read_bytes())
        with (folder / "BUILD.bazel").open("a", encoding="utf-8") as stream:
            stream.write(targets.format(name=_starlark(name)))
    (texts / "BUILD.bazel").write_text(
        _LOADS
        + "".join(
            f'lepton_recipe(name = "{name}.recipe", passes = [sample.append(text = {_starlark(text)})])\n'
            f'lepton_artifact(name = "{name}", hardware = "//sample:page", model = "//good:hello", '
            f'recipe = "{name}.recipe")\n'
            for name, text in _TEXTS.items()
        ),
        encoding="utf-8",
    )
    return bazel.run("test", "--keep_going", "//names/...", "//texts/...")


def test_everything_is_built_and_passes(bazel: Bazel, result: Result) -> None:
    assert result.status == 0, result.output
    assert result.lepton_lines() == []
    for root in (bazel.workspace, bazel.bin()):
        assert [path for path in root.rglob("*pwned") if path.name == "pwned"] == []


@pytest.mark.parametrize("kind", ["accuracy", "latency", "size"])
@pytest.mark.parametrize("name", _NAMES)
def test_reports_tell_the_name(name: str, kind: str, bazel: Bazel, result: Result) -> None:
    logs = bazel.testlogs() / _PACKAGE / f"{_NAMES[name]}_{kind}_test"
    measurement = json.loads(undeclared_output(logs, "measurement.json"))
    assert measurement["label"] == f"//{_PACKAGE}:{_NAMES[name]}_{kind}_test"
    assert measurement["artifact"]["label"] == f"//{_PACKAGE}:{_NAMES[name]}"
    (case,) = ElementTree.parse(logs / "test.xml").iter("testcase")
    assert case.find("failure") is None


@pytest.mark.parametrize("name", _TEXTS)
def test_text_is_kept(name: str, bazel: Bazel, result: Result) -> None:
    folder = bazel.bin() / "texts" / name / "1_sample.append"
    assert (folder / "model" / "text.txt").read_bytes().decode("utf-8") == "hello" + _TEXTS[name]
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert manifest["steps"][-1]["config"]["text"] == _TEXTS[name]


@pytest.mark.parametrize("name", _BUILT)
def test_artifact_tells_the_name(name: str, bazel: Bazel, result: Result) -> None:
    package, target = _BUILT[name]
    manifest = json.loads((bazel.bin() / package / target / "2_sample.append" / "manifest.json").read_text("utf-8"))
    assert manifest["hardware"]["options"] == {target: target}
    # With another hash seed nothing is up to date, and all of it runs again, each in a process of its own.
    seed = "--@lepton_rules//lepton_rules/settings:hash_seed=1"
    one_shot = bazel.run("build", "--spawn_strategy=linux-sandbox", seed, f"//{package}:{target}")
    assert one_shot.status == 0, one_shot.output
    assert " linux-sandbox" in one_shot.output.rpartition(" processes:")[2]


def test_summary_tells_the_name(bazel: Bazel, result: Result) -> None:
    summary = bazel.run("run", f"//{_PACKAGE}:{_NAMES['shell']}.summary")
    assert summary.status == 0, summary.output
    assert f"//{_PACKAGE}:{_NAMES['shell']}" in summary.output.partition("Build completed")[2]


def undeclared_output(logs: Path, name: str) -> bytes:
    """A file that a test wrote for its reader, zipped or not."""
    archive = logs / "test.outputs" / "outputs.zip"
    if archive.exists():
        with zipfile.ZipFile(archive) as file:
            return file.read(name)
    return (logs / "test.outputs" / name).read_bytes()
