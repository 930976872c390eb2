"""The module of the bar on the worker: a plugin whose one pass is tiny and uses torch and onnx, and artifacts of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from harness.bazel import TREE, remove, write

_MODULE = f"""module(name = "small")

bazel_dep(name = "lepton_rules", version = "0.1.0")
local_path_override(
    module_name = "lepton_rules",
    path = "{TREE}",
)

lepton = use_extension("@lepton_rules//lepton_rules:extensions.bzl", "lepton")
lepton.environment(
    name = "conventional",
    keep = ["**"],
    requirements_lock = "@lepton_rules//lepton_rules/environments:torch.lock",
)
use_repo(lepton, "lepton_rules_torch", "small_conventional")
"""

_PLUGIN = '''"""A pass that writes a number."""

from dataclasses import dataclass
from typing import ClassVar

from lepton_rules.plugin import Importer, ModelFacts, Pass, Runtime, Target, TensorSpec, hookimpl, option

__version__ = "1.0.0"


@dataclass(frozen=True)
class Nothing:
    """Nothing."""

    VERSION: ClassVar[int] = 1


@dataclass(frozen=True)
class Number:
    """A number."""

    VERSION: ClassVar[int] = 1
    number: int = option(0, doc="The number.")


def write(context):
    import onnx
    import torch

    number = getattr(context.config, "number", 0)
    tensor = torch.full((4,), float(number))
    (context.output / "number.txt").write_text(f"{tensor.sum().item()} {onnx.TensorProto.FLOAT}\\n")
    spec = TensorSpec("x", "float32", ("batch", 4))
    return ModelFacts(inputs=(spec,), outputs=(spec,), parameters=4, macs=None)


_WRITE = "lepton_plugin_tiny:write"


@hookimpl
def lepton_importers():
    return [Importer(name="start", produces="number", config=Nothing, implementation=_WRITE)]


@hookimpl
def lepton_passes():
    return [Pass(name="write", consumes="number", produces="number", config=Number, implementation=_WRITE)]


@hookimpl
def lepton_runtimes():
    return [Runtime(name="paper", consumes=("number",), config=Nothing, implementation=_WRITE)]


@hookimpl
def lepton_targets():
    return [Target(name="page", runtime="paper", accepts=("number",), capabilities=())]
'''

_NOTHING = {"fields": {}, "version": 1}
_NUMBER = {
    "fields": {"number": {"default": 0, "doc": "The number.", "optional": False, "type": "int"}},
    "version": 1,
}
_DESCRIPTORS = {
    "api_version": 1,
    "exporters": {},
    "importers": {"start": {"allows_code": False, "config": _NOTHING, "doc": "Nothing.", "produces": "number"}},
    "metrics": {},
    "name": "tiny",
    "passes": {
        "write": {
            "config": _NUMBER,
            "consumes": "number",
            "doc": "A number.",
            "preserves_signature": True,
            "produces": "number",
            "requires": [],
            "slots": {},
        }
    },
    "runtimes": {"paper": {"config": _NOTHING, "consumes": ["number"], "doc": "Nothing."}},
    "targets": {
        "page": {
            "accepts": ["number"],
            "available": "",
            "capabilities": [],
            "doc": "",
            "options": {},
            "pass_defaults": {},
            "runtime": "paper",
        }
    },
}

_RULES = """load("@lepton_rules//lepton_rules:defs.bzl", "lepton_artifact", "lepton_hardware")
load("@lepton_rules//lepton_rules:defs.bzl", "lepton_model", "lepton_recipe")
load("@lepton_rules//lepton_rules:pass.bzl", "lepton_component", "lepton_pass")
load("@lepton_rules//lepton_rules:providers.bzl", "EnvironmentInfo", "PluginInfo")

def small(plugin, count, salt):
    lepton_hardware(name = "page", plugin = plugin, target = "page")
    lepton_model(
        name = "model",
        importer = lepton_component(kind = "importer", plugin = Label(plugin), name = "start", config = {}),
        weights = ["//:weights"],
    )
    for number in range(count):
        lepton_recipe(
            name = "recipe_%d" % number,
            passes = [lepton_pass(plugin = Label(plugin), name = "write", config = {"number": salt + number})],
        )
        lepton_artifact(
            name = "small_%d" % number,
            hardware = ":page",
            model = ":model",
            recipe = ":recipe_%d" % number,
        )
    native.filegroup(name = "all_small", srcs = ["small_%d" % number for number in range(count)])

def _labelled_impl(ctx):
    plugin = ctx.attr.plugin[PluginInfo]
    environment = plugin.environment
    return [PluginInfo(
        name = plugin.name,
        label = str(ctx.label),
        checkpoints = plugin.checkpoints,
        entry = plugin.entry,
        descriptors = plugin.descriptors,
        environment = EnvironmentInfo(
            name = environment.name,
            directory = ctx.files.files[0],
            key = environment.key,
            launcher = ctx.file.launcher,
            packages = environment.packages,
            python_version = environment.python_version,
        ),
        preload = plugin.preload,
        requires = plugin.requires,
        roots = plugin.roots,
        search = plugin.search,
        sources = depset(ctx.files.files, transitive = [plugin.sources]),
    )]

# The plugin again, in an environment of which each file is a label.
labelled = rule(
    implementation = _labelled_impl,
    attrs = {
        "files": attr.label_list(allow_files = True),
        "launcher": attr.label(allow_single_file = True),
        "plugin": attr.label(providers = [PluginInfo]),
    },
)
"""

_TINY = f"""load("@lepton_rules//lepton_rules:defs.bzl", "lepton_plugin")

lepton_plugin(
    name = "tiny",
    srcs = ["lepton_plugin_tiny/__init__.py"],
    descriptors = '{json.dumps(_DESCRIPTORS)}',
    environment = "@lepton_rules_torch//:environment",
    preload = [
        "onnx",
        "torch",
    ],
    visibility = ["//visibility:public"],
)
"""

_ARTIFACTS = """load("//:small.bzl", "small")

small("//tiny", {count}, {salt})
"""

_LABELLED = """load("//:small.bzl", "labelled", "small")

labelled(
    name = "tiny",
    files = glob(["prefix/**"]),
    launcher = "launch",
    plugin = "//tiny",
)

small("//labelled:tiny", {count}, {salt})
"""


def generate(folder: Path) -> None:
    """Writes the module anew, without artifacts."""
    remove(folder)
    write(folder / "MODULE.bazel", _MODULE)
    write(folder / "BUILD.bazel", 'exports_files(["weights"])\n')
    write(folder / "weights", "none")
    write(folder / "small.bzl", _RULES)
    write(folder / "tiny/BUILD.bazel", _TINY)
    write(folder / "tiny/lepton_plugin_tiny/__init__.py", _PLUGIN)


def artifacts(folder: Path, count: int, salt: int) -> str:
    """Writes artifacts that no build has made before, as `salt` is another; returns the target of all."""
    write(folder / "artifacts/BUILD.bazel", _ARTIFACTS.format(count=count, salt=salt))
    return "//artifacts:all_small"


def labelled(folder: Path, environment: Path, count: int, salt: int) -> str:
    """The same in an environment of one label a file, whole packages as pip installs them: hard links to the files of
    `environment`, an environment's repository."""
    copy = folder / "labelled"
    if not copy.exists():
        shutil.copytree(
            environment / "prefix", copy / "prefix", copy_function=lambda a, b: Path(b).hardlink_to(a), symlinks=True
        )
        shutil.copy2(environment / "launch", copy / "launch")
    write(copy / "BUILD.bazel", _LABELLED.format(count=count, salt=salt))
    return "//labelled:all_small"
