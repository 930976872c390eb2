"""The peak memory of every pass of the plugins for ONNX and PyTorch, on the ResNet or where need be on an encoder."""

from __future__ import annotations

import json
import re

from harness.aquery import Action, inputs
from harness.bar import Bar, Options
from harness.bazel import TREE, Broken
from harness.by_hand import act

from bars.network import MINILM, RESNET, Recipe, generate

_TEACHER = '{":module": "teacher"}'
_RESNET = {
    "onnx.check": Recipe("onnx.check()"),
    "onnx.fix_shapes": Recipe('onnx.fix_shapes(dimensions = {"batch": "1"})'),
    "onnx.fold_batch_norm": Recipe("onnx.fold_batch_norm()"),
    "onnx.infer_shapes": Recipe("onnx.infer_shapes()"),
    "onnx.optimize": Recipe("onnx.optimize()"),
    "onnx.quantize": Recipe("onnx.quantize()"),
    "onnx.quantize_entropy": Recipe('onnx.quantize(calibrator = "Entropy")'),
    "onnx.quantize_percentile": Recipe('onnx.quantize(calibrator = "Percentile")'),
    "onnx.quantize_by_sensitivity": Recipe("onnx.quantize_by_sensitivity()"),
    "onnx.quantize_to_accuracy": Recipe(
        "onnx.quantize_to_accuracy(max_tries = 2)", slots='{":data": "validation=train"}'
    ),
    "onnx.quantize_dynamic": Recipe("onnx.quantize_dynamic()"),
    "onnx.quantize_weights": Recipe('onnx.quantize_weights(op_types = ["Conv", "Gemm"])'),
    "onnx.remove_dead_branches": Recipe("onnx.remove_dead_branches()"),
    "onnx.set_input_layout": Recipe('onnx.set_input_layout(layout = "nhwc")'),
    "onnx.to_bf16": Recipe("onnx.to_bf16()", chip="tensorrt"),
    "onnx.to_fp16": Recipe("onnx.to_fp16()", chip="tensorrt"),
    "torch.distill": Recipe("torch.distill(epochs = 1)", model="module", slots=_TEACHER),
    "torch.prune_channels": Recipe("torch.prune_channels(epochs = 1, macs_ratio = 0.5)", model="module"),
    "torch.prune_magnitude": Recipe("torch.prune_magnitude(epochs = 1)", model="module"),
    "torch.prune_n_m": Recipe("torch.prune_n_m(epochs = 1)", model="module"),
    "torch.pytorch_to_onnx": Recipe("torch.pytorch_to_onnx()", model="module"),
    "torch.quantize_aware_training": Recipe("torch.quantize_aware_training(epochs = 1)", model="module"),
}
_MINILM = {
    "onnx.fuse_transformer": Recipe("onnx.fuse_transformer()"),
    "onnx.residuals_as_sum": Recipe("onnx.residuals_as_sum()"),
    "onnx.smooth_quant": Recipe("onnx.smooth_quant()"),
}
_ACTIONS = {"--action=run_pass", "--action=import_model", "--action=export_model"}


def measure(options: Options) -> list[Bar]:
    """Each action runs as a process of its own, its libraries included. The bar is the pass with the least room below
    three times its model and 1 GB."""
    shares: dict[str, float] = {}
    peaks: dict[str, int] = {}
    for example, named in ((RESNET, _RESNET), (MINILM, _MINILM)):
        recipes = {name.replace(".", "_"): recipe for name, recipe in named.items()}
        found = generate(options, recipes, example)
        targets = [f"//:{name}" for name in recipes]
        found.bazel.run("build", *targets)
        expression = f'mnemonic("LeptonRun", deps(set({" ".join(targets)})))'
        actions = [action for action in inputs(found.bazel, expression) if _ACTIONS.intersection(action.words)]
        if not actions:
            raise Broken(f"{expression} has no action of a pass")
        root = found.bazel.bin().parents[2]
        found.bazel.shutdown()
        limit = 3 * found.model.stat().st_size + 1e9
        for action in actions:
            name = f"{_flag(action, 'plugin')}.{_flag(action, 'component')}"
            peaks[name] = max(peaks.get(name, 0), act(action, root, options.folder / "act").peak)
            shares[name] = max(shares.get(name, 0), peaks[name] / limit)
    worst = max(shares, key=lambda name: shares[name])
    how = f"{worst}; GB: " + ", ".join(f"{name} {peak / 1e9:.2f}" for name, peak in sorted(peaks.items()))
    missing = sorted(_passes() - peaks.keys())
    if missing:
        how += f"; not measured: {', '.join(missing)}"
    goal = "<= 1 of 3 x model + 1 GB"
    return [Bar("peak of a pass", goal, shares[worst], "of it", shares[worst] <= 1 and not missing, how)]


def _flag(action: Action, name: str) -> str:
    return next(flag.partition("=")[2] for flag in action.words if flag.startswith(f"--{name}="))


def _passes() -> set[str]:
    """The passes of the plugins that read this network, from their descriptors."""
    names = set()
    for plugin in ("onnx", "torch"):
        text = (TREE / "plugins" / plugin / "passes.bzl").read_text(encoding="utf-8")
        found = re.search(r"DESCRIPTORS = json\.decode\(r?'''(.*?)'''\)", text, re.DOTALL)
        descriptors = json.loads(found[1].replace("\\\\", "\\")) if found else {"passes": {"?": {}}}
        names |= {f"{plugin}.{name}" for name in descriptors["passes"]}
    return names
