"""The modules of the bars on compression: an example's network and its data, taken from a build as files."""

from __future__ import annotations

import json
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
load("@lepton_rules//plugins/metrics:passes.bzl", "metrics")
load("@lepton_rules//plugins/onnx:passes.bzl", "onnx")
load("@lepton_rules//plugins/torch:passes.bzl", "torch")

lepton_dataset(
    name = "data",
    arrays = "data.npz",
    environment = "@lepton_rules_onnx//:environment",
    split_indices = "splits.json",
    splits = {splits},
)

lepton_model(name = "network", data = ["network.onnx"], importer = onnx.onnx())
"""

_MODULE_OF_RESNET = """
lepton_model(name = "archive", data = ["network.pt2"], importer = torch.torch_export(outputs = ["logits"]))

lepton_model(name = "norms", data = ["norms.onnx"], importer = onnx.onnx())

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
    dataset = ":data",
    metrics = [metrics.{metric}()],
    hardware = "@lepton_rules//plugins/onnxruntime:{chip}",
    model = ":{model}",
    recipe = ":{name}_recipe",
    slots = {slots},
)
"""


@dataclass(frozen=True)
class Recipe:
    """A recipe on the network: its passes as Starlark, the chip of onnxruntime's plugin, the model (`network`, in
    ONNX; of the ResNet also `norms`, with batch normalisations, `module`, in PyTorch, and `archive`, of torch.export),
    and what slots are bound to, as Starlark."""

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


@dataclass(frozen=True)
class Example:
    """An example of the tree: its label's package, the artifact that is the exported network, its dataset and the
    splits of that, and a metric that its labels allow."""

    package: str
    artifact: str
    dataset: str
    splits: tuple[str, ...]
    metric: str


RESNET = Example("models/resnet", "resnet_fp32_cpu", "digits", ("train", "calibration", "evaluation"), "accuracy")
MINILM = Example("models/minilm", "minilm_fp32_cpu", "pairs", ("calibration", "evaluation"), "spearman_labels")


def generate(options: Options, recipes: Mapping[str, Recipe], example: Example = RESNET) -> Network:
    """Writes the module anew, with an artifact for each recipe; trains the network where that was not done. The ResNet
    is there in PyTorch too, as an archive of torch.export, and with batch normalisations."""
    source = Bazel(TREE, options.folder / "base", rc=options.rc)
    source.run("build", *(f"//{example.package}:{name}" for name in (example.artifact, example.dataset)))
    made = source.bin() / example.package
    python = _python(options, "onnx")
    folder = options.folder / f"network_{example.dataset}"
    remove(folder)
    write(folder / "MODULE.bazel", _MODULE)
    text = _BUILD.format(splits=json.dumps(example.splits))
    if example is RESNET:
        text += _MODULE_OF_RESNET
        shutil.copyfile(TREE / "models" / "resnet" / "resnet.py", folder / "resnet.py")
        shutil.copyfile(made / "resnet_weights.safetensors", folder / "weights.safetensors")
    text += "".join(
        _RECIPE.format(
            name=name,
            passes=each.passes,
            chip=each.chip,
            model=each.model,
            slots=each.slots,
            metric=example.metric,
        )
        for name, each in recipes.items()
    )
    write(folder / "BUILD.bazel", text)
    (exported,) = (made / example.artifact).glob("*_onnx/model/model.onnx")
    shutil.copyfile(exported, folder / "network.onnx")
    for name in example.splits:
        shutil.copyfile(made / example.dataset / f"{name}.npz", folder / f"{name}.npz")
    source.shutdown()
    splits = [f"{name}={folder / name}.npz" for name in example.splits]
    run([python, "-I", RIVALS / "prepare.py", folder / "data.npz", folder / "splits.json", *splits], cwd=folder)
    if example is RESNET:
        run([python, "-I", RIVALS / "with_norms.py", folder / "network.onnx", folder / "norms.onnx"], cwd=folder)
        torch = _python(options, "torch")
        run([torch, "-I", "-B", RIVALS / "as_archive.py", folder, folder / "network.pt2"], cwd=folder)
    return Network(
        # With Bazel's own options, as a consumer has them.
        Bazel(folder, options.folder / f"base_{folder.name}"),
        python,
        folder / "network.onnx",
        folder / "calibration.npz",
        folder / "evaluation.npz",
    )


def _python(options: Options, environment: str) -> Path:
    """The interpreter of one of the tree's environments, which a build has made."""
    (prefix,) = (options.folder / "base" / "external").glob(f"*lepton_rules_{environment}/prefix")
    return prefix / "bin" / "python3"
