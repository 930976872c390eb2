"""Every pass, importer and exporter as a process of its own: its peak memory, and whether it gives what it gave as a
worker's child. Each on the ResNet or where need be on an encoder; those of other frameworks on what the tree has."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.aquery import Action, inputs
from harness.bar import Bar, Options
from harness.bazel import TREE, Bazel, Broken
from harness.by_hand import act

from bars.network import MINILM, RESNET, Recipe, generate

_TEACHER = '{":module": "teacher"}'
_RESNET = {
    "onnx.check": Recipe("onnx.check()"),
    "onnx.fix_shapes": Recipe('onnx.fix_shapes(dimensions = {"batch": "1"})'),
    "onnx.fold_batch_norm": Recipe("onnx.fold_batch_norm()", model="norms"),
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
    "onnx.quantize_weights": Recipe('onnx.quantize_weights(form = "qdq", op_types = ["Conv", "Gemm"])'),
    "onnx.remove_dead_branches": Recipe("onnx.remove_dead_branches()"),
    "onnx.set_input_layout": Recipe('onnx.set_input_layout(layout = "NHWC")'),
    "onnx.to_bf16": Recipe("onnx.to_bf16()", chip="cuda"),
    "onnx.to_fp16": Recipe("onnx.to_fp16()", chip="cuda"),
    "torch.distill": Recipe("torch.distill(epochs = 1)", model="module", slots=_TEACHER),
    "torch.prune_channels": Recipe("torch.prune_channels(epochs = 1, macs_ratio = 0.5)", model="module"),
    "torch.prune_magnitude": Recipe("torch.prune_magnitude(epochs = 1)", model="module"),
    "torch.prune_n_m": Recipe("torch.prune_n_m(epochs = 1)", model="module"),
    "torch.pytorch_to_onnx": Recipe("torch.pytorch_to_onnx()", model="module"),
    "torch.quantize_aware_training": Recipe("torch.quantize_aware_training(epochs = 1)", model="module"),
    "torch.torch_export_to_onnx": Recipe("torch.torch_export_to_onnx()", model="archive"),
}
_MINILM = {
    "onnx.fuse_transformer": Recipe("onnx.fuse_transformer()"),
    "onnx.quantize_weights": Recipe("onnx.quantize_weights(bits = 4)"),
    "onnx.residuals_as_sum": Recipe("onnx.residuals_as_sum()"),
    "onnx.smooth_quant": Recipe("onnx.smooth_quant()"),
}
# Of the tree: Hugging Face; Keras, scikit-learn and JAX, whose training functions run too.
_TARGETS = (
    "//models/machine_monitor:machine_monitor_fp32_cpu",
    "//models/minilm:minilm_fp32_cpu",
    "//tests/frameworks:rings_jax_cpu",
    "//tests/frameworks:rings_sklearn_cpu",
)
_ACTIONS = {"--action=checkpoint", "--action=export_model", "--action=import_model", "--action=run_pass"}
_PLUGINS = ("huggingface", "jax", "keras", "onnx", "sklearn", "torch")
_KINDS = ("exporters", "importers", "passes")


@dataclass(frozen=True)
class _Step:
    """An action that a worker has run, with the execution root that holds its inputs and its outputs."""

    action: Action
    root: Path

    @property
    def name(self) -> str:
        """`<plugin>.<component>`; a training function has no name."""
        return f"{self.flags('plugin')[0]}.{(*self.flags('component'), 'training')[0]}"

    @property
    def limit(self) -> float:
        """Three times its model, and 1 GB."""
        size = sum(_bytes(self.root / path) for key in ("model", "source", "weights") for path in self.flags(key))
        return 3 * size + 1e9

    def flags(self, key: str) -> list[str]:
        """The values of a flag."""
        return [word.partition("=")[2] for word in self.action.words if word.startswith(f"--{key}=")]


def measure(options: Options) -> list[Bar]:
    """The bars are the step with the least room below three times its model and 1 GB, its libraries included, and the
    steps that give other bytes alone, under another hash seed, than as the child of a worker."""
    steps: list[_Step] = []
    for example, named in ((RESNET, _RESNET), (MINILM, _MINILM)):
        recipes = {name.replace(".", "_"): recipe for name, recipe in named.items()}
        steps += _built(generate(options, recipes, example).bazel, [f"//:{name}" for name in recipes])
    steps += _built(Bazel(TREE, options.folder / "base", rc=options.rc), _TARGETS)
    shares: dict[str, float] = {}
    peaks: dict[str, int] = {}
    differing: set[str] = set()
    scratch = options.folder / "act"
    for step in steps:
        alone = replace(step.action, variables={**step.action.variables, "PYTHONHASHSEED": "4711"})
        peak = act(alone, step.root, scratch).peak
        peaks[step.name] = max(peaks.get(step.name, 0), peak)
        shares[step.name] = max(shares.get(step.name, 0), peak / step.limit)
        if _digests(step.root, step.action.outputs) != _digests(scratch, [Path(o).name for o in step.action.outputs]):
            differing.add(step.name)
    worst = max(shares, key=lambda name: shares[name])
    missing = sorted(_declared() - peaks.keys())
    left = f"; not run: {', '.join(missing)}" if missing else ""
    listed = ", ".join(f"{name} {peak / 1e9:.2f}" for name, peak in sorted(peaks.items()))
    ran = f"{len(steps)} actions of {len(peaks)} passes, importers, exporters and trainings{left}"
    if differing:
        ran += f"; other bytes: {', '.join(sorted(differing))}"
    goal = "<= 1 of 3 x model + 1 GB"
    return [
        Bar(
            "peak of a pass", goal, shares[worst], "of it", shares[worst] <= 1 and not missing,
            f"{worst}{left}; GB: {listed}",
        ),
        Bar("steps that differ, worker and alone", "0", len(differing), "steps", not differing and not missing, ran),
    ]  # fmt: skip


def _built(bazel: Bazel, targets: Sequence[str]) -> list[_Step]:
    """The steps of targets, run by workers and by nothing else."""
    bazel.run("build", "--strategy=LeptonRun=worker", *targets)
    expression = f'mnemonic("LeptonRun", deps(set({" ".join(targets)})))'
    found = [action for action in inputs(bazel, expression) if _ACTIONS.intersection(action.words)]
    if not found:
        raise Broken(f"{expression} has no action of a pass")
    root = bazel.bin().parents[2]
    bazel.shutdown()
    return [_Step(action, root) for action in found]


def _files(path: Path) -> list[Path]:
    return [each for each in sorted(path.rglob("*")) if each.is_file()] if path.is_dir() else [path]


def _bytes(path: Path) -> int:
    return sum(each.stat().st_size for each in _files(path))


def _digests(root: Path, outputs: Sequence[str]) -> dict[str, str]:
    """By a file's path, from the last part of its output's on."""
    return {
        file.relative_to((root / output).parent).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for output in outputs
        for file in _files(root / output)
    }


def _declared() -> set[str]:
    """The components that write models, from the plugins' descriptors."""
    names = set()
    for plugin in _PLUGINS:
        text = (TREE / "plugins" / plugin / "passes.bzl").read_text(encoding="utf-8")
        found = re.search(r"DESCRIPTORS = json\.decode\(r?'''(.*?)'''\)", text, re.DOTALL)
        descriptors = json.loads(found[1].replace("\\\\", "\\")) if found else {"passes": {"?": {}}}
        names |= {f"{plugin}.{name}" for kind in _KINDS for name in descriptors.get(kind, {})}
    return names
