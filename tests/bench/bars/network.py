"""The module of the bars on compression: the example's ResNet and its data, taken from a build as files."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.bar import Options
from harness.bazel import TREE, Bazel, remove, run, write

RIVALS = Path(__file__).resolve().parents[1] / "rivals"

_MODULE = f"""module(name = "network")

bazel_dep(name = "lepton_rules", version = "0.1.0")
local_path_override(
    module_name = "lepton_rules",
    path = "{TREE}",
)

lepton = use_extension("@lepton_rules//lepton_rules:extensions.bzl", "lepton")
use_repo(lepton, "lepton_rules_onnx")
"""

_BUILD = """load("@lepton_rules//lepton_rules:defs.bzl", "lepton_artifact", "lepton_dataset")
load("@lepton_rules//lepton_rules:defs.bzl", "lepton_model", "lepton_recipe")
load("@lepton_rules//plugins/onnx:passes.bzl", "onnx")
load("@lepton_rules//plugins/torch:passes.bzl", "torch")

lepton_dataset(
    name = "digits",
    arrays = "data.npz",
    environment = "@lepton_rules_onnx//:environment",
    split_indices = "splits.json",
    splits = ["train", "calibration", "evaluation"],
)

lepton_model(name = "network", data = ["network.onnx"], importer = onnx.onnx())

lepton_model(
    name = "module",
    srcs = ["resnet.py"],
    importer = torch.pytorch(
        factory = "resnet:ResNet18",
        inputs = ["image:float32:batch,1,16,16"],
        outputs = ["logits"],
    ),
    weights = ["weights.safetensors"],
)
"""

_RECIPE = """
lepton_recipe(name = "{name}_recipe", passes = [{passes}])

lepton_artifact(
    name = "{name}",
    dataset = ":digits",
    hardware = "@lepton_rules//plugins/onnxruntime:{chip}",
    model = ":{model}",
    recipe = ":{name}_recipe",
    slots = {slots},
)
"""


@dataclass(frozen=True)
class Recipe:
    """A recipe on the network: its passes as Starlark, the chip of onnxruntime's plugin, the model (`network`, in
    ONNX, or `module`, in PyTorch), and what slots are bound to, as Starlark."""

    passes: str
    chip: str = "cpu_vnni"
    model: str = "network"
    slots: str = "{}"


@dataclass(frozen=True)
class Network:
    """The module, its Bazel, and the files that a rival gets."""

    bazel: Bazel
    python: Path
    model: Path
    calibration: Path
    evaluation: Path


def generate(options: Options, recipes: Mapping[str, Recipe]) -> Network:
    """Writes the module anew, with an artifact for each recipe; trains the network where that was not done."""
    source = Bazel(TREE, options.folder / "base", rc=options.rc)
    source.run("build", "//models:resnet_fp32_cpu", "//models/resnet:digits")
    made = source.bin() / "models" / "resnet"
    (prefix,) = (options.folder / "base" / "external").glob("*lepton_rules_onnx/prefix")
    python = prefix / "bin" / "python3"
    folder = options.folder / "network"
    remove(folder)
    write(folder / "MODULE.bazel", _MODULE)
    text = _BUILD + "".join(
        _RECIPE.format(name=name, passes=each.passes, chip=each.chip, model=each.model, slots=each.slots)
        for name, each in recipes.items()
    )
    write(folder / "BUILD.bazel", text)
    shutil.copyfile(TREE / "models" / "resnet" / "resnet.py", folder / "resnet.py")
    for path, name in (
        ("resnet_weights.safetensors", "weights.safetensors"),
        ("resnet_fp32_cpu/1_torch.pytorch_to_onnx/model/model.onnx", "network.onnx"),
        ("digits/train.npz", "train.npz"),
        ("digits/calibration.npz", "calibration.npz"),
        ("digits/evaluation.npz", "evaluation.npz"),
    ):
        shutil.copyfile(made / path, folder / name)
    source.shutdown()
    splits = [f"{name}={folder / name}.npz" for name in ("train", "calibration", "evaluation")]
    run([python, "-I", RIVALS / "prepare.py", folder / "data.npz", folder / "splits.json", *splits], cwd=folder)
    return Network(
        Bazel(folder, options.folder / "base_network", rc=options.rc),
        python,
        folder / "network.onnx",
        folder / "calibration.npz",
        folder / "evaluation.npz",
    )
