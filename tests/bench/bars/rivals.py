"""Our recipe of an example beside Olive, Optimum-ONNX and NNCF: each on the same network with the same calibration
samples, in an environment of its own, with the settings that it recommends for such a network."""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness import venv
from harness.bar import Bar, Options, at_least
from harness.bazel import remove, run
from harness.by_hand import measure_process
from harness.dominance import dominates

from bars import network

_ROUNDS = 3
_RUNTIME = "onnxruntime==1.32.*"
_TORCH = "torch==2.13.0+cpu"

# What each is installed with, and the program in `rivals` that calls it as its guide does.
_OTHERS: Mapping[str, tuple[str, Sequence[str]]] = {
    "Olive 0.13": ("with_olive.py", ["olive-ai==0.13.*", "requests", _RUNTIME, _TORCH]),
    "Optimum-ONNX 0.1": ("with_optimum.py", ["optimum-onnx==0.1.*", "datasets", _RUNTIME, _TORCH]),
    "NNCF 3.4": ("with_nncf.py", ["nncf==3.4.*", "onnx==1.23.*", _RUNTIME]),
}
# None of them is to call home while it is timed.
_SILENT = {"OLIVE_DISABLE_TELEMETRY": "1", "NNCF_CI": "1", "ORT_DISABLE_TELEMETRY": "1", "HF_HUB_OFFLINE": "1"}


@dataclass(frozen=True)
class _Case:
    """An example, our recipe for it, and what the programs in `rivals` call such a network."""

    example: network.Example
    passes: str
    kind: str


_CASES = {
    "the ResNet": _Case(network.RESNET, "onnx.optimize(), onnx.quantize()", "cnn"),
    "the MiniLM": _Case(
        network.MINILM,
        "onnx.optimize(), onnx.smooth_quant(), onnx.residuals_as_sum(), "
        'onnx.quantize_dynamic(op_types = ["Gather", "MatMul"])',
        "encoder",
    ),
}


def measure(options: Options) -> list[Bar]:
    """The bars of every case; what was measured goes to rivals.json."""
    bars, found = [], {}
    for name, case in _CASES.items():
        found[name], made = _compare(options, name, case)
        bars += made
    (options.folder / "rivals.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return bars


def _compare(options: Options, subject: str, case: _Case) -> tuple[dict[str, Any], list[Bar]]:
    """Wall time is from the command to the file: of ours with a Bazel that has no server and no outputs, of the others
    from the start of their process. Everyone's packages are installed before."""
    ours = network.generate(options, {"int8": network.Recipe(case.passes)}, case.example)
    scratch = options.folder / "rivals"
    remove(scratch)
    scratch.mkdir()
    pythons = {
        name: venv.python(options.folder, program.removesuffix(".py"), requirements)
        for name, (program, requirements) in _OTHERS.items()
    }
    ours.bazel.run("build", "//:int8")
    made = max((ours.bazel.bin() / "int8").glob("*/model/model.onnx"))
    models = {"fp32": ours.model, "lepton_rules": scratch / "lepton_rules.onnx"}
    seconds: dict[str, list[float]] = {"lepton_rules": []}
    for _ in range(_ROUNDS):
        ours.bazel.run("clean")
        ours.bazel.shutdown()
        seconds["lepton_rules"].append(ours.bazel.run("build", "//:int8").seconds)
        for name, (program, _) in _OTHERS.items():
            models[name] = scratch / f"{program.removesuffix('.py')}.onnx"
            words = [pythons[name], network.RIVALS / program, ours.model, ours.calibration, models[name], case.kind]
            variables = {"HOME": os.environ.get("HOME", str(scratch)), **_SILENT}
            seconds.setdefault(name, []).append(measure_process(words, scratch, variables, scratch / "log").seconds)
    (scratch / "lepton_rules.onnx").write_bytes(made.read_bytes())
    ours.bazel.shutdown()
    judge = [ours.python, "-I", network.RIVALS / "judge.py", ours.evaluation]
    answer = run([*judge, *(f"{name}={path}" for name, path in models.items())], cwd=scratch, keep_stderr=False)
    found: dict[str, dict[str, Any]] = json.loads(answer.output)
    wall = {name: statistics.median(times) for name, times in seconds.items()}
    for name, each in found.items():
        each["wall_seconds"] = wall.get(name)
    best = [name for name in _OTHERS if dominates(found[name], found["lepton_rules"])]
    how = "; ".join(f"{name} {_summary(each)}" for name, each in found.items() if name != "fp32")
    return found, [
        Bar(f"toolkits that dominate our recipe for {subject}", "0", len(best), "toolkits", not best, how),
        at_least(
            f"wall time for {subject}, against Olive", wall["Olive 0.13"] / wall["lepton_rules"], 1, "x",
            ", ".join(f"{name} {time:.1f} s" for name, time in wall.items()),
        ),
    ]  # fmt: skip


def _summary(each: Mapping[str, Any]) -> str:
    low, middle, high = each["speedup"]
    return f"{middle:.2f}x [{low:.2f}, {high:.2f}], quality {each['quality']:.4f}, {each['bytes'] / 1e6:.3f} MB"
