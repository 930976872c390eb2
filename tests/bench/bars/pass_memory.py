"""The peak memory of every pass, importer and exporter that takes the example's ResNet."""

from __future__ import annotations

import json
import re

from harness.aquery import Action, inputs
from harness.bar import Bar, Options
from harness.bazel import TREE, Broken
from harness.by_hand import act

from bars.network import Recipe, generate

_RECIPES = {
    "onnx.check": Recipe("onnx.check()"),
    "onnx.infer_shapes": Recipe("onnx.infer_shapes()"),
    "onnx.optimize": Recipe("onnx.optimize()"),
    "onnx.quantize": Recipe("onnx.quantize()"),
    "onnx.quantize_entropy": Recipe('onnx.quantize(calibrator = "Entropy")'),
    "onnx.quantize_percentile": Recipe('onnx.quantize(calibrator = "Percentile")'),
    "onnx.quantize_dynamic": Recipe("onnx.quantize_dynamic()"),
    "onnx.to_fp16": Recipe("onnx.to_fp16()", chip="tensorrt"),
    "torch.pytorch_to_onnx": Recipe("torch.pytorch_to_onnx()", model="module"),
}
_ACTIONS = {"--action=run_pass", "--action=import_model", "--action=export_model"}


def measure(options: Options) -> list[Bar]:
    """Each action runs as a process of its own, its libraries included. The bar is the pass with the least room below
    three times its model and 1 GB."""
    recipes = {name.replace(".", "_"): recipe for name, recipe in _RECIPES.items()}
    found = generate(options, recipes)
    targets = [f"//:{name}" for name in recipes]
    found.bazel.run("build", *targets)
    expression = f'mnemonic("LeptonRun", deps(set({" ".join(targets)})))'
    actions = [action for action in inputs(found.bazel, expression) if _ACTIONS.intersection(action.words)]
    if not actions:
        raise Broken(f"{expression} has no action of a pass")
    root = found.bazel.bin().parents[2]
    found.bazel.shutdown()
    model = found.model.stat().st_size
    limit = 3 * model + 1e9
    peaks: dict[str, int] = {}
    for action in actions:
        name = f"{_flag(action, 'plugin')}.{_flag(action, 'component')}"
        peaks[name] = max(peaks.get(name, 0), act(action, root, options.folder / "act").peak)
    worst = max(peaks, key=lambda name: peaks[name])
    how = ", ".join(f"{name} {peak / 1e9:.2f}" for name, peak in sorted(peaks.items()))
    missing = sorted(_passes() - peaks.keys())
    if missing:
        how += f"; not measured: {', '.join(missing)}"
    goal = f"<= {limit / 1e9:.3g} GB"
    value = peaks[worst]
    return [Bar("peak of a pass", goal, value / 1e9, "GB", value <= limit and not missing, how)]


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
