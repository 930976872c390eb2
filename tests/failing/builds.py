"""Mistakes that only the plugins, the models and the data show: they are found by the action that meets them."""

from __future__ import annotations

import json

from case import Case, Group

_ARTIFACT = 'lepton_artifact(name = "x", model = "{model}", hardware = "//sample:page", {attributes})\n'


def _artifact(name: str, attributes: str, says: str, before: str = "") -> Case:
    return Case(name, before + _ARTIFACT.format(model="//good:hello", attributes=attributes), says)


def _plugin(name: str, source: str, says: str, attributes: str = "") -> Case:
    """A plugin whose one source is given, and whose descriptors say that it has a pass `fix`."""
    build = f"""
lepton_plugin(
    name = "odd",
    srcs = glob(["lepton_plugin_odd/*.py"]),
    descriptors = SAMPLE | {{"name": "odd", "passes": {{"fix": SAMPLE["passes"]["absent"]}}}},
    environment = "@failing_small//:environment",
    {attributes}
)
lepton_recipe(
    name = "recipe",
    passes = [
        lepton_pass(plugin = package_relative_label(":odd"), name = "fix", config = {{}}),
        sample.text_to_blob(),
    ],
)
""" + _ARTIFACT.format(model="//good:hello", attributes='recipe = ":recipe"')
    return Case(name, build, says, files={"lepton_plugin_odd/__init__.py": _PLUGIN + source})


_PLUGIN = '''\
from dataclasses import dataclass
from typing import ClassVar

from lepton_rules.plugin import Pass, hookimpl

__version__ = "3.1.4"


@dataclass(frozen=True)
class Config:
    """Nothing."""

    VERSION: ClassVar[int] = 1


def fix_pass(**more):
    return Pass(
        **{
            "name": "fix",
            "consumes": "text",
            "produces": "text",
            "config": Config,
            "implementation": "lepton_plugin_odd.fixing:fix",
            **more,
        }
    )


'''


def _dataset(name: str, source: str, says: str, splits: object = None, generator: str = "made:make") -> Case:
    build = f"""
lepton_dataset(
    name = "x",
    srcs = ["made.py"],
    environment = "@lepton_rules_onnx//:environment",
    generator = "{generator}",
    split_indices = {'"splits.json"' if splits else "None"},
    splits = {json.dumps(list(splits) if isinstance(splits, dict) else ["evaluation"])},
)
"""
    files = {"made.py": source}
    if splits:
        files["splits.json"] = json.dumps(splits)
    return Case(name, build, says, files)


_PLUGINS = [
    _plugin("hook_misspelled", "@hookimpl\ndef lepton_pases():\n    return [fix_pass()]\n", ""),
    _plugin("hook_not_marked", "def lepton_passes():\n    return [fix_pass()]\n", ""),
    _plugin("hook_with_an_argument", "@hookimpl\ndef lepton_passes(config):\n    return [fix_pass()]\n", ""),
    _plugin("hook_that_raises", "@hookimpl\ndef lepton_passes():\n    raise KeyError('fix')\n", ""),
    _plugin("hook_that_returns_nothing", "@hookimpl\ndef lepton_passes():\n    pass\n", ""),
    _plugin("plugin_without_the_pass", "@hookimpl\ndef lepton_passes():\n    return [fix_pass(name='fixx')]\n", ""),
    _plugin("pass_registered_twice", "@hookimpl\ndef lepton_passes():\n    return [fix_pass(), fix_pass()]\n", ""),
    _plugin("pass_of_another_api_version", "@hookimpl\ndef lepton_passes():\n    return [fix_pass(api_version=2)]\n", ""),
    _plugin("pass_of_another_format", "@hookimpl\ndef lepton_passes():\n    return [fix_pass(consumes='stone')]\n", ""),
    _plugin("entry_that_does_not_parse", "def lepton_passes(:\n", ""),
    _plugin("entry_that_exits", "raise SystemExit(0)\n", ""),
    _plugin("entry_that_needs_another_library", "import numpy\n", ""),
    _plugin("entry_that_is_not_there", "", "", attributes='entry = "lepton_plugin_od",'),
    _plugin("preload_that_is_not_there", "", "", attributes='preload = ["nunpy"],'),
    _artifact("implementation_that_is_not_there", 'recipe = ":recipe"', "", before='lepton_recipe(name = "recipe", passes = [sample.absent()])\n'),
]

_MODELS = [
    _artifact("teacher_of_another_signature", 'recipe = ":recipe", slots = {"//gates:wide": "teacher"}', "", before='lepton_recipe(name = "recipe", passes = [sample.teach()])\n'),
    Case("dataset_that_does_not_fit_the_model", 'lepton_artifact(name = "x", model = "//gates:wide", hardware = "//scribe:desk", dataset = "//data:coins")\n', ""),
    Case("baseline_of_another_signature", 'lepton_accuracy_test(name = "x", artifact = "//gates:right", baseline = "//gates:three_sided", min_agreement = 0.9)\n', ""),
    Case("isa_of_another_machine", "", ""),
]

_DATA = [
    _dataset("generator_without_the_function", "def mke(config):\n    return {}\n", ""),
    _dataset("generator_without_the_module", "", "", generator="mad:make"),
    _dataset("generator_that_raises", "def make(config):\n    raise OSError(2, 'gone')\n", ""),
    _dataset("generator_of_objects", "import numpy\ndef make(config):\n    return {'x': numpy.array([{}])}\n", ""),
    _dataset("generator_of_nothing", "def make(config):\n    return {}\n", ""),
    _dataset("evaluation_samples_in_the_training_split", "import numpy\ndef make(config):\n    return {'x': numpy.zeros(4)}\n", "", splits={"evaluation": [0, 1], "train": [1, 2]}),
    _dataset("split_out_of_range", "import numpy\ndef make(config):\n    return {'x': numpy.zeros(4)}\n", "", splits={"evaluation": [4]}),
]

BUILDS = Group("builds", _PLUGINS + _MODELS + _DATA)
