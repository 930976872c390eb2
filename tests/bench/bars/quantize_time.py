"""The pass `onnx.quantize` against onnxruntime's quantizer called by hand, on the example's ResNet."""

from __future__ import annotations

import statistics

from harness.aquery import inputs
from harness.bar import Bar, Options, at_most
from harness.bazel import Broken, remove
from harness.by_hand import act, measure_process

from bars import network

_ROUNDS = 5


def measure(options: Options) -> list[Bar]:
    """Each is a process of its own, from its start to its end: the same optimized model, samples, calibrator and
    settings. By hand, onnxruntime takes as many threads as it likes, and one sample at a time or all, as is faster."""
    found = network.generate(options, {"int8": network.Recipe("onnx.optimize(), onnx.quantize()")})
    found.bazel.run("build", "//:int8")
    actions = inputs(found.bazel, 'mnemonic("LeptonRun", //:int8)')
    quantize = next((action for action in actions if "--component=quantize" in action.words), None)
    if quantize is None:
        raise Broken("the recipe has no action that quantizes")
    root = found.bazel.bin().parents[2]
    found.bazel.shutdown()
    model = next(flag.partition("=")[2] for flag in quantize.words if flag.startswith("--model="))
    scratch = options.folder / "quantize_time"
    remove(scratch)
    scratch.mkdir()

    def by_hand(step: str) -> float:
        words = [
            found.python, "-I", network.RIVALS / "with_onnxruntime.py", root / model / "model.onnx", found.calibration,
            scratch / "by_hand.onnx", step,
        ]  # fmt: skip
        return measure_process(words, scratch, {"ORT_DISABLE_TELEMETRY": "1"}, scratch / "log").seconds

    ours: list[float] = []
    theirs: dict[str, list[float]] = {"1": [], "120": []}
    for _ in range(_ROUNDS):
        ours.append(act(quantize, root, scratch / "act").seconds)
        for step, times in theirs.items():
            times.append(by_hand(step))
    mine = statistics.median(ours)
    medians = {step: statistics.median(times) for step, times in theirs.items()}
    step = min(medians, key=lambda each: medians[each])
    how = f"{mine:.2f} s, by hand {medians['1']:.2f} s one sample at a time, {medians['120']:.2f} s all at once"
    return [at_most("quantization, against onnxruntime by hand", mine / medians[step], 1.2, "x", how)]
