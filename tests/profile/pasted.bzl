"""Every line that advice gives, pasted where it says: Bazel takes it, and the plan does it.

A line follows the comment `# From <rule>, <place>:`. test_advice.py holds these lines to what the rules say, and
tests/report/test_report.py those `From next_steps`.
"""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//lepton_rules:defs.bzl", "lepton_artifact", "lepton_hardware")
load("//lepton_rules:providers.bzl", "HardwareInfo", "ModelInfo")
load("//plugins/onnx:passes.bzl", "onnx")
load("//plugins/torch:passes.bzl", "torch")

# The name of an artifact to its recipe, its overrides, and what must be planned: passes with some of their options.
_ARTIFACTS = {
    "batch_norm": struct(
        recipe = [
            # From batch_norm, at the end of the recipe:
            onnx.fold_batch_norm(),
        ],
        planned = [("onnx.fold_batch_norm", {})],
    ),
    "batch_norm_before": struct(
        recipe = [
            onnx.optimize(),
            # From batch_norm, in the recipe, before onnx.quantize:
            onnx.fold_batch_norm(),
            onnx.quantize(),
        ],
        planned = [("onnx.optimize", {}), ("onnx.fold_batch_norm", {}), ("onnx.quantize", {})],
    ),
    "dynamic_ranges": struct(
        recipe = [
            # From dynamic_ranges, at the end of the recipe:
            onnx.quantize(),
        ],
        planned = [("onnx.quantize", {"exclude": []})],
    ),
    "dynamic_ranges_replaced": struct(
        recipe = [
            # From dynamic_ranges, in the recipe, in place of onnx.quantize_dynamic:
            onnx.quantize(),
        ],
        planned = [("onnx.quantize", {"exclude": []})],
    ),
    "float_layers": struct(
        recipe = [onnx.quantize(exclude = ["a", "b", "c"], percentile = 99.9)],
        overrides = [
            # From float_layers, in the artifact's overrides:
            onnx.quantize(exclude = ["c"]),
        ],
        planned = [("onnx.quantize", {"exclude": ["c"], "percentile": 99.9})],
    ),
    "float_layers_added": struct(
        recipe = [
            # From float_layers, at the end of the recipe:
            onnx.quantize(exclude = ["c"]),
        ],
        planned = [("onnx.quantize", {"exclude": ["c"]})],
    ),
    "float_layers_all": struct(
        recipe = [
            # From float_layers, at the end of the recipe:
            onnx.quantize(),
        ],
        planned = [("onnx.quantize", {"exclude": []})],
    ),
    "float_layers_dynamic": struct(
        recipe = [onnx.quantize_dynamic(op_types = ["Gemm"])],
        overrides = [
            # From float_layers, in the artifact's overrides:
            onnx.quantize_dynamic(exclude = ["c"], op_types = ["Conv", "Gemm"]),
        ],
        planned = [("onnx.quantize_dynamic", {"exclude": ["c"], "op_types": ["Conv", "Gemm"]})],
    ),
    "float_layers_replaced": struct(
        recipe = [
            # From float_layers, in the recipe, in place of onnx.quantize_by_sensitivity:
            onnx.quantize(exclude = ["c"]),
        ],
        planned = [("onnx.quantize", {"exclude": ["c"]})],
    ),
    "float_layers_types": struct(
        recipe = [onnx.quantize(exclude = ["z", "a"], op_types = ["MatMul"])],
        overrides = [
            # From float_layers, in the artifact's overrides:
            onnx.quantize(exclude = ["c", "z"], op_types = ["Conv", "MatMul"]),
        ],
        planned = [("onnx.quantize", {"exclude": ["c", "z"], "op_types": ["Conv", "MatMul"]})],
    ),
    "fuse_transformer": struct(
        recipe = [
            # From fuse_transformer, at the end of the recipe:
            onnx.fuse_transformer(),
        ],
        planned = [("onnx.fuse_transformer", {})],
    ),
    "next_steps_better": struct(
        recipe = [onnx.quantize(exclude = ["z"])],
        overrides = [
            # From next_steps, in the artifact's overrides:
            onnx.quantize(exclude = ["z", "a"]),
        ],
        planned = [("onnx.quantize", {"exclude": ["z", "a"]})],
    ),
    "next_steps_samples": struct(
        recipe = [
            # From next_steps, in the recipe, before the passes of onnx:
            torch.quantize_aware_training(),
            onnx.quantize(),
        ],
        overrides = [
            # From next_steps, in the artifact's overrides:
            onnx.quantize(max_samples = 2048),
        ],
        planned = [("torch.quantize_aware_training", {}), ("onnx.quantize", {"max_samples": 2048})],
    ),
    "next_steps_smaller": struct(
        recipe = [
            # From next_steps, in the recipe, before the passes of onnx:
            torch.prune_channels(macs_ratio = 0.5, epochs = 10),
            # From next_steps, at the end of the recipe:
            onnx.optimize(),
            # From next_steps, at the end of the recipe:
            onnx.quantize(),
        ],
        planned = [("torch.prune_channels", {"macs_ratio": 0.5}), ("onnx.optimize", {}), ("onnx.quantize", {})],
    ),
    "next_steps_weights": struct(
        recipe = [
            # From next_steps, at the end of the recipe:
            onnx.quantize_weights(bits = 4),
        ],
        planned = [("onnx.quantize_weights", {"bits": 4})],
    ),
    "next_steps_weights_replaced": struct(
        recipe = [
            # From next_steps, in the recipe, in place of onnx.quantize:
            onnx.quantize_weights(bits = 4),
        ],
        planned = [("onnx.quantize_weights", {"bits": 4})],
    ),
    "placement": struct(
        recipe = [
            # From placement, at the end of the recipe:
            onnx.fix_shapes(dimensions = {"batch": "1"}),
            onnx.optimize(),
        ],
        planned = [("onnx.fix_shapes", {"dimensions": {"batch": "1"}}), ("onnx.optimize", {})],
    ),
    "placement_fixed": struct(
        recipe = [
            # From placement, at the end of the recipe:
            onnx.optimize(),
        ],
        planned = [("onnx.optimize", {})],
    ),
    "prune_channels": struct(
        recipe = [
            # From prune_channels, in the recipe, before the passes of onnx:
            torch.prune_channels(macs_ratio = 0.5, epochs = 10),
            onnx.optimize(),
        ],
        planned = [("torch.prune_channels", {"epochs": 10, "macs_ratio": 0.5}), ("onnx.optimize", {})],
    ),
    "round_trips": struct(
        recipe = [onnx.quantize(exclude = ["a"], op_types = ["Conv"])],
        overrides = [
            # From round_trips, in the artifact's overrides:
            onnx.quantize(exclude = [], op_types = []),
        ],
        planned = [("onnx.quantize", {"exclude": [], "op_types": []})],
    ),
    "sensitive_layers": struct(
        recipe = [onnx.quantize(exclude = ["z"])],
        overrides = [
            # From sensitive_layers, in the artifact's overrides:
            onnx.quantize(exclude = ["z", "a"]),
        ],
        planned = [("onnx.quantize", {"exclude": ["z", "a"]})],
    ),
    "weight_traffic": struct(
        recipe = [
            # From weight_traffic, at the end of the recipe:
            onnx.quantize_weights(bits = 4),
        ],
        planned = [("onnx.quantize_weights", {"bits": 4})],
    ),
    "weight_traffic_more": struct(
        recipe = [onnx.quantize_weights(bits = 8)],
        overrides = [
            # From weight_traffic, in the artifact's overrides:
            onnx.quantize_weights(bits = 4),
        ],
        planned = [("onnx.quantize_weights", {"bits": 4})],
    ),
}

def _planned_impl(ctx):
    env = analysistest.begin(ctx)
    steps = [step.call.step for step in analysistest.target_under_test(env)[ModelInfo].steps if hasattr(step, "call")]
    passes = [step for step in steps if step.kind == "pass"]
    wanted = json.decode(ctx.attr.planned)
    asserts.equals(env, [name for name, _ in wanted], [step.qualified for step in passes])
    for (_, config), step in zip(wanted, passes):
        for option, value in config.items():
            asserts.equals(env, value, step.config[option], "{} of {}".format(option, step.qualified))
    return analysistest.end(env)

def _threads_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.equals(env, 2, analysistest.target_under_test(env)[HardwareInfo].threads)
    return analysistest.end(env)

_planned_test = analysistest.make(_planned_impl, attrs = {"planned": attr.string()})
_threads_test = analysistest.make(_threads_impl)

def pasted_test_suite(name):
    """Tests that Bazel takes each line of advice.

    Args:
      name: the suite's name.
    """
    for case, pasted in _ARTIFACTS.items():
        lepton_artifact(
            name = "pasted_" + case,
            dataset = "//models/resnet:digits",
            hardware = "//plugins/onnxruntime:cpu_vnni",
            model = "//models:resnet",
            overrides = getattr(pasted, "overrides", []),
            recipe = pasted.recipe,
            tags = ["manual"],
        )
        _planned_test(
            name = "pasted_{}_test".format(case),
            planned = json.encode(pasted.planned),
            target_under_test = ":pasted_" + case,
        )
    lepton_hardware(
        name = "pasted_hardware",
        plugin = "//plugins/onnxruntime",
        target = "cpu_vnni",
        # From more_threads, in the lepton_hardware:
        threads = 2,
    )
    _threads_test(name = "pasted_hardware_test", target_under_test = ":pasted_hardware")
    native.test_suite(
        name = name,
        tests = [":pasted_hardware_test"] + [":pasted_{}_test".format(case) for case in _ARTIFACTS],
    )
