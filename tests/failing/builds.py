"""Mistakes that only the plugins, the models and the data show: the action that meets them names them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from case import Case, Group

_ARTIFACT = """lepton_artifact(
    name = "x",
    hardware = "//sample:page",
    model = "//good:hello",
    recipe = ":recipe",
    {attributes}
)
"""


def _artifact(name: str, recipe: str, says: str, attributes: str = "") -> Case:
    build = f'lepton_recipe(name = "recipe", passes = [{recipe}])\n'
    return Case(name, build + _ARTIFACT.format(attributes=attributes), says)


_PLUGIN = '''\
from dataclasses import dataclass
from typing import ClassVar

from lepton_rules.plugin import Pass, hookimpl

__version__ = "3.1.4"


@dataclass(frozen=True)
class Config:
    """Nothing."""

    VERSION: ClassVar[int] = 1


def fix(context):
    raise AssertionError("never reached")


def fix_pass(**more):
    name, implementation = "fix", "lepton_plugin_odd:fix"
    facts = dict(name=name, consumes="text", produces="text", config=Config, implementation=implementation)
    return Pass(**{**facts, **more})


'''


def _plugin(name: str, source: str, says: str, attributes: str = "") -> Case:
    """A plugin `odd` whose descriptors say that it has a pass `fix`, and whose code says what `source` says."""
    build = f"""
lepton_plugin(
    name = "odd",
    srcs = glob(["lepton_plugin_odd/*.py"]),
    descriptors = SAMPLE | {{"name": "odd", "passes": {{"fix": SAMPLE["passes"]["absent"]}}}},
    environment = "@failing_small//:environment",
    {attributes}
)
fix = lepton_pass(plugin = package_relative_label(":odd"), name = "fix", config = {{}})
lepton_recipe(name = "recipe", passes = [fix, sample.text_to_blob()])
"""
    return Case(
        name,
        build + _ARTIFACT.format(attributes=""),
        says,
        files={"lepton_plugin_odd/__init__.py": _PLUGIN + source},
    )


def _dataset(
    name: str,
    source: str,
    says: str,
    splits: Mapping[str, Sequence[int]] | None = None,
    generator: str = "made:make",
) -> Case:
    build = f"""
lepton_dataset(
    name = "x",
    srcs = ["made.py"],
    environment = "@lepton_rules_onnx//:environment",
    generator = "{generator}",
    split_indices = {'"splits.json"' if splits else "None"},
    splits = {json.dumps(sorted(splits or ["evaluation"]))},
)
"""
    files = {"made.py": source}
    if splits:
        files["splits.json"] = json.dumps(splits)
    return Case(name, build, says, files)


# A digest of nothing.
_NOTHING = "0" * 64
_HOOK = "@hookimpl\ndef lepton_passes():\n    "
_NEW = "import numpy\ndef make(config):\n    return "

_PLUGINS = [
    _plugin(
        "hook_misspelled",
        "@hookimpl\ndef lepton_pases():\n    return [fix_pass()]\n",
        "lepton: plugin odd 3.1.4 in {here}:x: lepton_pases is marked @hookimpl, and there is no hook 'lepton_pases'. "
        "Did you mean 'lepton_passes'? Accepted: lepton_exporters, lepton_importers, lepton_metrics, lepton_packagers, "
        "lepton_passes, lepton_runtimes, lepton_targets.",
    ),
    _plugin(
        "hook_not_marked",
        "def lepton_passes():\n    return [fix_pass()]\n",
        "lepton: plugin odd 3.1.4 in {here}:x: hook lepton_passes is not marked. Write @hookimpl above it.",
    ),
    _plugin(
        "hook_with_an_argument",
        "@hookimpl\ndef lepton_passes(config):\n    return [fix_pass()]\n",
        "lepton: plugin odd 3.1.4 in {here}:x: a hook has another signature than its specification (Argument(s) "
        "{'config'} are declared in the hookimpl but can not be found in the hookspec). Hooks take no argument.",
    ),
    _plugin(
        "hook_that_raises",
        _HOOK + "raise KeyError('fix')\n",
        "lepton: plugin odd 3.1.4 in {here}:x: lepton_passes raised KeyError: 'fix'. "
        "Mend lepton_passes: it must return a list or tuple of Pass.",
    ),
    _plugin(
        "hook_that_returns_nothing",
        _HOOK + "pass\n",
        "lepton: plugin odd 3.1.4 in {here}:x: lepton_passes returned None, accepted is a list or tuple of Pass. "
        "Return a list or tuple of Pass.",
    ),
    _plugin(
        "plugin_without_the_pass",
        _HOOK + "return [fix_pass(name='fixx')]\n",
        "lepton: plugin odd 3.1.4 in {here}:x: it has no 'fix' among its passes. Did you mean 'fixx'? Accepted: fixx.",
    ),
    _plugin(
        "pass_registered_twice",
        _HOOK + "return [fix_pass(), fix_pass()]\n",
        "lepton: plugin odd 3.1.4 in {here}:x: lepton_passes registers the name 'fix' twice. Rename one of the two.",
    ),
    _plugin(
        "pass_of_another_api_version",
        _HOOK + "return [fix_pass(api_version=2)]\n",
        "lepton: pass odd.fix of plugin odd 3.1.4 in {here}:x: it was written for api_version 2, this lepton_rules has "
        "1. Upgrade lepton_rules, or install an older release of the plugin.",
    ),
    _plugin(
        "pass_of_another_format_than_its_descriptors_say",
        _HOOK + "return [fix_pass(consumes='stone')]\n",
        "lepton: pass odd.fix (plugin odd 3.1.4) in {here}:x: the model is text, accepted is stone. "
        "Correct the plugin's descriptors, which planned it so.",
    ),
    _plugin(
        "entry_that_does_not_parse",
        "def lepton_passes(:\n",
        "lepton: plugin odd (lepton_plugin_odd) in {here}:x: entry module 'lepton_plugin_odd' does not import: "
        "SyntaxError: invalid syntax (__init__.py, line {number}). Mend lepton_plugin_odd; "
        "`python -c 'import lepton_plugin_odd'` in the plugin's environment shows the traceback.",
    ),
    _plugin(
        "entry_that_exits",
        "raise SystemExit(0)\n",
        "lepton: plugin odd (lepton_plugin_odd) in {here}:x: entry module 'lepton_plugin_odd' does not import: "
        "SystemExit: 0. Mend lepton_plugin_odd; "
        "`python -c 'import lepton_plugin_odd'` in the plugin's environment shows the traceback.",
    ),
    _plugin(
        "entry_that_needs_another_library",
        "import numpy\n",
        "lepton: plugin odd (lepton_plugin_odd) in {here}:x: entry module 'lepton_plugin_odd' does not import: there "
        "is no module 'numpy'. "
        "Add 'numpy' to the plugin's environment, or import it inside the function that uses it.",
    ),
    _plugin(
        "entry_that_is_not_there",
        "",
        "lepton: plugin odd (lepton_plugin_od) in {here}:x: entry module 'lepton_plugin_od' does not import: there is "
        "no module 'lepton_plugin_od'. Mend the module's name, or add its directory to the plugin's imports.",
        attributes='entry = "lepton_plugin_od",',
    ),
    _plugin(
        "preload_that_is_not_there",
        "",
        "lepton: pass odd.fix (plugin odd) in {here}:x: a module to preload cannot be imported: ModuleNotFoundError: "
        "No module named 'nunpy'. "
        "Correct `preload` of the lepton_plugin, or add the module to the lock of its environment.",
        attributes='preload = ["nunpy"],',
    ),
    _artifact(
        "implementation_that_is_not_there",
        "sample.absent()",
        "lepton: pass sample.absent (plugin sample 1.0.0) in {here}:x: implementation "
        "'lepton_plugin_sample.nowhere:run' does not import: there is no module 'lepton_plugin_sample.nowhere'. "
        "Mend the module's name, or add its directory to the plugin's imports.",
    ),
]

_MODELS = [
    _artifact(
        "teacher_of_another_signature",
        "sample.teach()",
        "lepton: slot teacher of sample.teach in {here}:x: its model has the signature (x float64['batch', 2]) -> "
        "(y float64['batch', 2]), and this one (x float32['batch', 2]) -> (y float32['batch', 2]). "
        "Bind a model with the same inputs and outputs.",
        attributes='slots = {"//gates:wide": "teacher"}',
    ),
    Case(
        "dataset_that_does_not_fit_the_model",
        'lepton_artifact(name = "x", model = "//gates:wide", hardware = "//scribe:desk", dataset = "//data:coins")\n'
        'lepton_accuracy_test(name = "x_accuracy_test", artifact = ":x", min_accuracy = 0.5)\n',
        "lepton: dataset evaluation.npz in {here}:x: array 'x' is float32[8, 2], the model's input is "
        "float64['batch', 2]. "
        "Make the dataset for this model: arrays named as its inputs, the leading axis the sample.",
    ),
    Case(
        "release_of_another_digest",
        f'lepton_release(name = "x", digest = "sha256:{_NOTHING}", manifest = "//gates:released_manifest", '
        'model = ["//gates:released_model"], hardware = "//scribe:desk")\n',
        "lepton: release in {here}:x: the manifest is of "
        "sha256:d70cf8d2b030a9118eeed8e65aa58b435b14d7de81ca331e2139d35782d5abed, "
        f"and digest names sha256:{_NOTHING}. Get the files of that release again.",
    ),
    Case(
        "baseline_of_another_signature",
        'lepton_accuracy_test(name = "x", artifact = "//gates:right", baseline = "//gates:three_sided", '
        "max_accuracy_drop = 0.5)\n",
        "lepton: baseline //gates:three_sided in {here}:x: its outputs are y ['batch', 3], and those of //gates:right "
        "y ['batch', 2]. Compare with a model of the same signature.",
    ),
]

_DATA = [
    _dataset(
        "generator_without_the_function",
        "def mke(config):\n    return {}\n",
        "lepton: generator made:make in {here}:x: module 'made' has no 'make'. Did you mean 'mke'? Accepted: mke.",
    ),
    _dataset(
        "generator_without_the_module",
        "",
        "lepton: generator mad:make in {here}:x: there is no module 'mad' among srcs. "
        "Add its file to srcs, and its directory to imports.",
        generator="mad:make",
    ),
    _dataset(
        "generator_that_raises",
        "def make(config):\n    raise OSError(2, 'gone')\n",
        "lepton: action dataset in {here}:x: FileNotFoundError: [Errno 2] gone. "
        "Declare the file as an input, or mend its path.",
    ),
    _dataset(
        "generator_of_objects",
        _NEW + "{'x': numpy.array([{}])}\n",
        "lepton: generator made:make in {here}:x: 'x' has dtype object, accepted are booleans and numbers. "
        "Convert it with astype.",
    ),
    _dataset(
        "generator_of_nothing",
        "def make(config):\n    return {}\n",
        "lepton: generator made:make in {here}:x: it gave no arrays. "
        "Return one array for each of the model's inputs, and `labels`.",
    ),
    _dataset(
        "evaluation_sample_in_the_training_split",
        _NEW + "{'x': numpy.zeros(4)}\n",
        "lepton: split_indices splits.json in {here}:x: 1 samples of 'evaluation' are also in 'train', such as 1. "
        "Hold the evaluation split out of every other.",
        splits={"evaluation": [0, 1], "train": [1, 2]},
    ),
    _dataset(
        "index_out_of_range",
        _NEW + "{'x': numpy.zeros(4)}\n",
        "lepton: split_indices splits.json in {here}:x: split 'evaluation' has the index 4, and the samples are 0 to "
        "3. Correct the list, or the arrays that it was made for.",
        splits={"evaluation": [4]},
    ),
]

BUILDS = Group("builds", _PLUGINS + _MODELS + _DATA)
