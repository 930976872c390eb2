"""The recipe that a search found for //models:net_int8. Review it like any other; builds never search.

    bazel run //models:net_int8.tune -- --trials 12 --seed 0 --objective "latency; accuracy_drop<=0.005"

Trial 7, after 12 trials: onnx.quantize.calibrator=Entropy.
"""

load("@lepton_rules//lepton_rules:pass.bzl", "lepton_pass")
load("//plugins/onnx:passes.bzl", "onnx")

RECIPE = [
    onnx.smooth(alpha = 0.25),
    onnx.quantize(
        calibrator = "Entropy",
        exclude = ["head"],
        per_channel = False,
    ),
    lepton_pass(
        plugin = Label("@chips//plugin:chip"),
        name = "place",
        config = {"unit": "a"},
    ),
]
