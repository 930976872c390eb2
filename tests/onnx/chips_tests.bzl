"""What the first-party chips refuse of this plugin's passes, at analysis."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//lepton_rules:defs.bzl", "lepton_recipe")
load("//lepton_rules:providers.bzl", "RecipeInfo")
load("//plugins/onnx:passes.bzl", "onnx")

_CHIP = "//plugins/onnxruntime:{}"

# Recipe to chip, passes, and the message, or nothing where the chip takes it.
_CASES = {
    "bf16_on_cpu": ("cpu", [onnx.to_bf16()], "lepton: onnx.to_bf16 in //tests/onnx:bf16_on_cpu: it needs bf16, which //plugins/onnxruntime:cpu does not have;"),
    "bf16_on_cuda": ("cuda", [onnx.to_bf16()], ""),
    "fused_on_cpu": ("cpu_vnni", [onnx.fuse_transformer(), onnx.quantize_dynamic()], ""),
    "fused_on_tensorrt": (
        "tensorrt",
        [onnx.fuse_transformer()],
        "lepton: onnx.fuse_transformer in //tests/onnx:fused_on_tensorrt: it needs onnxruntime_operators, which //plugins/onnxruntime:tensorrt does not have;",
    ),
    "int4_on_cpu": ("cpu", [onnx.quantize_weights(bits = 4)], ""),
    "int4_on_tensorrt": (
        "tensorrt",
        [onnx.optimize(), onnx.quantize_weights(bits = 4)],
        "lepton: bits = 4 of onnx.quantize_weights in //tests/onnx:int4_on_tensorrt: it comes from the recipe and needs int4_weights, which //plugins/onnxruntime:tensorrt does not have;",
    ),
    "mixed_on_tensorrt": ("tensorrt", [onnx.quantize_by_sensitivity(), onnx.quantize_to_accuracy()], ""),
    "nbits_on_tensorrt": (
        "tensorrt",
        [onnx.quantize_weights(form = "matmul_nbits")],
        "lepton: form = \"matmul_nbits\" of onnx.quantize_weights in //tests/onnx:nbits_on_tensorrt: it comes from the recipe and needs onnxruntime_operators, which",
    ),
}

def _refused_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.expect_failure(env, ctx.attr.says)
    return analysistest.end(env)

def _taken_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.true(env, len(analysistest.target_under_test(env)[RecipeInfo].steps) > 0)
    return analysistest.end(env)

_refused_test = analysistest.make(_refused_impl, attrs = {"says": attr.string()}, expect_failure = True)
_taken_test = analysistest.make(_taken_impl)

def chips_test_suite(name):
    """Analysis tests of recipes for chips.

    Args:
      name: the suite's name.
    """
    for case, (chip, passes, says) in _CASES.items():
        lepton_recipe(name = case, hardware = [_CHIP.format(chip)], passes = passes, tags = ["manual"])
        if says:
            _refused_test(name = case + "_test", says = says, target_under_test = ":" + case)
        else:
            _taken_test(name = case + "_test", target_under_test = ":" + case)
    native.test_suite(name = name, tests = [":{}_test".format(case) for case in _CASES])
