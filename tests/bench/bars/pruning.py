"""Structured pruning: how much of the multiply-accumulates that it removes comes back as time."""

from __future__ import annotations

import json
from pathlib import Path

from harness.bar import Bar, Options, at_least
from harness.bazel import Broken, run

from bars.network import RIVALS, Recipe, generate

# Of the multiply-accumulates, what may be left.
_LEFT = (0.5, 0.25)


def measure(options: Options) -> list[Bar]:
    """In fp32 on onnxruntime with one thread and one sample at a time, each pruned network in turn with the whole one.
    Without fine-tuning: it changes no time."""
    recipes = {
        f"left_{100 * left:.0f}": Recipe(
            f"torch.prune_channels(macs_ratio = {left}), torch.pytorch_to_onnx()", model="module"
        )
        for left in _LEFT
    }
    found = generate(options, {"whole": Recipe("torch.pytorch_to_onnx()", model="module"), **recipes})
    found.bazel.run("build", *(f"//:{name}" for name in ("whole", *recipes)))
    made = found.bazel.bin()
    models, macs = {}, {}
    for name in ("whole", *recipes):
        last = max(made.glob(f"{name}/*_torch.pytorch_to_onnx"), default=None)
        if last is None:
            raise Broken(f"//:{name} has no exported model")
        models[name] = last / "model" / "model.onnx"
        macs[name] = _macs(last / "manifest.json")
    found.bazel.shutdown()
    words = [found.python, "-I", RIVALS / "judge.py", found.evaluation]
    answer = run([*words, *(f"{name}={path}" for name, path in models.items())], cwd=made, keep_stderr=False)
    judged = json.loads(answer.output)
    returned, how = {}, []
    for name in recipes:
        low, middle, high = judged[name]["speedup"]
        cut = 1 - macs[name] / macs["whole"]
        returned[name] = (1 - 1 / middle) / cut
        how.append(f"{100 * cut:.1f} % fewer MACs, {middle:.2f}x [{low:.2f}, {high:.2f}]: {returned[name]:.2f}")
    return [at_least("MACs removed that return as time", min(returned.values()), 0.8, "of them", "; ".join(how))]


def _macs(manifest: Path) -> int:
    found = json.loads(manifest.read_text(encoding="utf-8"))["macs"]
    if not found:
        raise Broken(f"{manifest} knows no multiply-accumulates")
    return int(found)
