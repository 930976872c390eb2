"""The module of the bar on analysis: many models, each through many recipes, each with its tests and its runnable."""

from __future__ import annotations

import json
from pathlib import Path

from harness.bazel import TREE, remove, write

_MODULE = """module(name = "generated")

bazel_dep(name = "lepton_rules", version = "0.1.0")
local_path_override(
    module_name = "lepton_rules",
    path = "{tree}",
)

lepton = use_extension("@lepton_rules//lepton_rules:extensions.bzl", "lepton")
use_repo(lepton, "lepton_rules_onnx")
"""

_DATA = """load("@lepton_rules//lepton_rules:defs.bzl", "lepton_dataset")

lepton_dataset(
    name = "data",
    arrays = "data.npz",
    environment = "@lepton_rules_onnx//:environment",
    split_indices = "splits.json",
    splits = [
        "train",
        "calibration",
        "evaluation",
    ],
    visibility = ["//visibility:public"],
)
"""

# What a monorepo might want of its models, from one pass to four, for a CPU and for a GPU.
_RECIPES = {
    "fp32": "onnx.optimize()",
    "fp16": "onnx.optimize(), onnx.to_fp16()",
    "checked": "onnx.check(), onnx.infer_shapes(), onnx.optimize(), onnx.check()",
    "dynamic": "onnx.optimize(), onnx.quantize_dynamic()",
    "minmax": "onnx.optimize(), onnx.quantize()",
    "entropy": 'onnx.optimize(), onnx.quantize(calibrator = "Entropy")',
    "percentile": 'onnx.optimize(), onnx.quantize(calibrator = "Percentile", percentile = 99.9)',
    "per_tensor": "onnx.optimize(), onnx.quantize(per_channel = False)",
    "shaped": "onnx.infer_shapes(), onnx.optimize(), onnx.quantize()",
    "partial": 'onnx.optimize(), onnx.quantize(exclude = ["/conv1/Conv"]), onnx.check()',
}

_CHIPS = {"fp16": "tensorrt", "per_tensor": "cpu", "shaped": "tensorrt"}

_MODEL = """load("@lepton_rules//lepton_rules:defs.bzl", "lepton_artifact", "lepton_budgets", "lepton_model")
load("@lepton_rules//plugins/torch:passes.bzl", "torch")

lepton_model(
    name = "model",
    srcs = ["net.py"],
    importer = torch.pytorch(
        factory = "net:Net",
        inputs = ["image:float32:batch,3,32,32"],
        outputs = ["logits"],
    ),
    weights = ["weights.safetensors"],
)
"""

_ARTIFACT = """
lepton_artifact(
    name = "{recipe}",
    dataset = "//data",
    hardware = "@lepton_rules//plugins/onnxruntime:{chip}",
    model = ":model",
    recipe = "//recipes:{recipe}",
)

lepton_budgets(
    name = "{recipe}_budgets",
    artifact = ":{recipe}",
    baseline = ":{baseline}",
    max_accuracy_drop = 0.005,
    max_size_ratio = 1.5,
    min_accuracy = 0.9,
    min_agreement = 0.9,
    min_speedup = 0.5,
)
"""

# As many targets, whose rules do next to nothing: what Bazel itself takes.
_EMPTY_RULES = """def _artifact(ctx):
    return [DefaultInfo()]

artifact = rule(implementation = _artifact, attrs = {"model": attr.label()})

def _program(ctx):
    program = ctx.actions.declare_file(ctx.label.name + ".sh")
    ctx.actions.write(program, "true", is_executable = True)
    return [DefaultInfo(executable = program)]

empty_test = rule(implementation = _program, test = True, attrs = {"artifact": attr.label()})
runnable = rule(implementation = _program, executable = True, attrs = {"artifact": attr.label()})
"""

# Beside every artifact, and tagged manual, so that `//...` leaves them out.
RUNNABLES = ("monitor", "profile", "report", "reproduce", "summary", "tune")

_EMPTY_ARTIFACT = """
artifact(name = "{recipe}", model = ":model")
empty_test(name = "{recipe}_accuracy_test", artifact = ":{recipe}")
empty_test(name = "{recipe}_latency_test", artifact = ":{recipe}")
empty_test(name = "{recipe}_size_test", artifact = ":{recipe}")
"""
_EMPTY_RUNNABLE = 'runnable(name = "{recipe}.{name}", artifact = ":{recipe}", tags = ["manual"])\n'


def _artifact(recipe: str) -> str:
    # A ratio of an artifact to itself is refused.
    baseline = "checked" if recipe == "fp32" else "fp32"
    return _ARTIFACT.format(recipe=recipe, chip=_CHIPS.get(recipe, "cpu_vnni"), baseline=baseline)


def generate(folder: Path, models: int) -> list[str]:
    """Writes the module anew.

    Args:
      folder: where.
      models: how many models, each in a package of its own, each through ten recipes.

    Returns:
      The labels of the artifacts.
    """
    remove(folder)
    write(folder / "MODULE.bazel", _MODULE.format(tree=TREE))
    write(folder / "data/BUILD.bazel", _DATA)
    write(folder / "data/data.npz", "")
    write(folder / "data/splits.json", json.dumps({"train": [0], "calibration": [1], "evaluation": [2]}))
    recipes = ['load("@lepton_rules//lepton_rules:defs.bzl", "lepton_recipe")']
    recipes.append('load("@lepton_rules//plugins/onnx:passes.bzl", "onnx")')
    recipes.append('package(default_visibility = ["//visibility:public"])')
    recipes += [f'lepton_recipe(name = "{name}", passes = [{passes}])' for name, passes in _RECIPES.items()]
    write(folder / "recipes/BUILD.bazel", "\n".join(recipes) + "\n")
    build = _MODEL + "".join(_artifact(name) for name in _RECIPES)
    for number in range(models):
        package = folder / f"models/m{number:03}"
        write(package / "BUILD.bazel", build)
        write(package / "net.py", "")
        write(package / "weights.safetensors", "")
    return [f"//models/m{number:03}:{name}" for number in range(models) for name in _RECIPES]


def generate_floor(folder: Path, models: int) -> None:
    """Writes a module of as many targets with the same names and edges, whose rules do next to nothing.

    Args:
      folder: where.
      models: how many models.
    """
    remove(folder)
    write(folder / "MODULE.bazel", 'module(name = "floor")\n')
    write(folder / "BUILD.bazel", "")
    write(folder / "rules.bzl", _EMPTY_RULES)
    build = 'load("//:rules.bzl", "artifact", "empty_test", "runnable")\nartifact(name = "model")\n'
    build += "".join(_EMPTY_ARTIFACT.format(recipe=name) for name in _RECIPES)
    build += "".join(_EMPTY_RUNNABLE.format(recipe=recipe, name=name) for recipe in _RECIPES for name in RUNNABLES)
    for number in range(models):
        write(folder / f"models/m{number:03}/BUILD.bazel", build)
