"""The space that a recipe declares: what reaches `.tune`, what a trial makes of it, and what is refused."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//lepton_rules:defs.bzl", "lepton_artifact", "lepton_dataset", "lepton_plugin", "lepton_recipe")

# buildifier: disable=bzl-visibility
load("//lepton_rules/private:trial.bzl", "lepton_trial")

# buildifier: disable=bzl-visibility
load("//lepton_rules/private/providers:plan_info.bzl", "PlanInfo")

# buildifier: disable=bzl-visibility
load("//lepton_rules/private/providers:plugin_info.bzl", "PluginInfo")

# buildifier: disable=bzl-visibility
load("//lepton_rules/private/providers:recipe_info.bzl", "RecipeInfo")
load("//plugins/onnx:passes.bzl", "DESCRIPTORS", "onnx")

_SEARCH = [
    onnx.quantize(calibrator = ["MinMax", "Entropy"]),
    onnx.quantize(calibrator = "Percentile", percentile = (99.0, 99.999)),
]

_OPTIONS = [
    {"calibrator": {"choices": ["MinMax", "Entropy"]}},
    {"calibrator": {"choices": ["Percentile"]}, "percentile": {"range": [99.0, 99.999]}},
]

def _recipe_impl(ctx):
    env = analysistest.begin(ctx)
    recipe = analysistest.target_under_test(env)[RecipeInfo]
    asserts.equals(env, ["onnx.quantize", "onnx.quantize"], [entry.qualified for entry in recipe.search])
    asserts.equals(env, _OPTIONS, [entry.options for entry in recipe.search])
    asserts.equals(env, ["onnx.optimize"], recipe.search_without)
    return analysistest.end(env)

_recipe_test = analysistest.make(_recipe_impl)

def _space(env, suffix):
    for action in analysistest.target_actions(env):
        for file in action.outputs.to_list():
            if file.path.endswith(suffix):
                return action
    return None

def _tune_impl(ctx):
    env = analysistest.begin(ctx)
    plan = analysistest.target_under_test(env)[PlanInfo]
    asserts.equals(env, ["torch.pytorch_to_onnx", "onnx.optimize", "onnx.quantize"], [step.qualified for step in plan.steps])
    asserts.equals(env, [False, True, True], [step.declared for step in plan.steps])
    asserts.equals(env, 4, len(plan.models))
    facts = json.decode(_space(env, "/space.json").content)
    asserts.equals(env, _OPTIONS, [entry["options"] for entry in facts["search"]])
    asserts.equals(env, ["accuracy"], [metric["name"] for metric in facts["metrics"]])
    origins = facts["steps"][2]["origins"]
    asserts.equals(env, "the recipe", origins["per_channel"])
    asserts.equals(env, "the artifact", origins["max_samples"])
    asserts.equals(env, "//plugins/onnxruntime:cpu", origins["reduce_range"])
    asserts.equals(env, "the plugin's default", origins["calibrator"])
    return analysistest.end(env)

_tune_test = analysistest.make(_tune_impl)

def _trial_impl(ctx):
    env = analysistest.begin(ctx)
    runs = [action for action in analysistest.target_actions(env) if action.mnemonic == "LeptonRun"]
    made = [file.short_path.partition("/net/")[2] for action in runs for file in action.outputs.to_list() if file.is_directory]
    asserts.equals(env, ["one/step_onnx.quantize/model"], made)
    asserts.equals(env, 3, len(runs))  # the pass, the predictions, the metrics
    inputs = [file.short_path for file in runs[0].inputs.to_list()]

    # It takes the artifact's own model after the steps that are the same.
    asserts.true(env, "tests/tune/net/2_onnx.optimize/model" in inputs)
    return analysistest.end(env)

_trial_test = analysistest.make(_trial_impl)

def _plugin_impl(ctx):
    env = analysistest.begin(ctx)
    search = analysistest.target_under_test(env)[PluginInfo].search
    asserts.equals(env, {"quantize": _OPTIONS}, search)
    return analysistest.end(env)

_plugin_test = analysistest.make(_plugin_impl)

def _refused_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.expect_failure(env, ctx.attr.says)
    return analysistest.end(env)

_refused_test = analysistest.make(
    _refused_impl,
    attrs = {"says": attr.string(mandatory = True)},
    expect_failure = True,
)

_REFUSED = {
    "empty": ([onnx.quantize(calibrator = [])], "search of calibrator of onnx.quantize in //tests/tune:refused_empty: there is no choice."),
    "misspelled": ([onnx.quantize(calibratr = ["MinMax"])], "there is no such option; did you mean \"calibrator\"?"),
    "no_choice": ([onnx.quantize(calibrator = ["MinMax", "Entrpy"])], "\"Entrpy\" is none of the choices; did you mean \"Entropy\"?"),
    "no_pass": ([onnx.to_fp16(keep_io_types = [True, False])], "search in //tests/tune:refused_no_pass: the recipe has no onnx.to_fp16;"),
    "no_range": ([onnx.quantize(per_channel = (False, True))], "a tuple is a range of numbers, and the option takes none."),
    "out_of_range": ([onnx.quantize(percentile = (10.0, 99.0))], "10.0 is less than 50"),
    "reversed": ([onnx.quantize(percentile = (99.0, 60.0))], "[99.0, 60.0] is no range."),
    "wrong_type": ([onnx.quantize(max_samples = [8, 0.5])], "0.5 is a float, and it takes an int."),
}

def search_test_suite(name):
    """Declares the tests.

    Args:
      name: of the suite.
    """
    lepton_recipe(
        name = "recipe",
        passes = [onnx.optimize(), onnx.quantize(per_channel = True)],
        search = _SEARCH,
        search_without = ["onnx.optimize"],
        tags = ["manual"],
    )
    lepton_recipe(
        name = "extended",
        extends = ":recipe",
        tags = ["manual"],
    )

    # Analysed, and never built.
    for split in ["calibration", "evaluation"]:
        lepton_dataset(
            name = split + "_images",
            srcs = ["samples.py"],
            environment = "@lepton_rules_onnx//:environment",
            evaluation_split = "evaluation" if split == "evaluation" else "",
            generator = "samples:generate",
            splits = [split],
            tags = ["manual"],
        )
    lepton_artifact(
        name = "net",
        dataset = ":evaluation_images",
        hardware = "//plugins/onnxruntime:cpu",
        model = "//models:resnet",
        overrides = [onnx.quantize(max_samples = 8)],
        recipe = ":recipe",
        slots = {":calibration_images": "calibration"},
        tags = ["manual"],
    )
    lepton_trial(
        name = "net/one",
        artifact = ":net.tune",
        config = json.encode({"calibrator": "Entropy"}),
        evaluate = True,
        start = 2,
        step = 2,
        tags = ["manual"],
    )
    lepton_trial(
        name = "net/unable",
        artifact = ":net.tune",
        config = json.encode({"reduce_range": False}),
        start = 2,
        step = 2,
        tags = ["manual"],
    )
    tests = []
    for case, (search, says) in _REFUSED.items():
        lepton_recipe(
            name = "refused_" + case,
            passes = [onnx.optimize(), onnx.quantize()],
            search = search,
            tags = ["manual"],
        )
        _refused_test(
            name = "refused_{}_test".format(case),
            says = says,
            target_under_test = ":refused_" + case,
        )
        tests.append("refused_{}_test".format(case))
    lepton_recipe(
        name = "refused_without",
        passes = [onnx.quantize()],
        search_without = ["onnx.quantise"],
        tags = ["manual"],
    )
    _refused_test(
        name = "refused_without_test",
        says = "search_without in //tests/tune:refused_without: the recipe has no onnx.quantise; did you mean \"onnx.quantize\"?",
        target_under_test = ":refused_without",
    )
    _refused_test(
        name = "unable_trial_test",
        says = "it comes from the trial and needs int8_full_range, which //plugins/onnxruntime:cpu does not have",
        target_under_test = ":net/unable",
    )
    for plugin, search in {
        "refused_plugin": [onnx.quantize(calibrator = ["MinMax", "Entrpy"])],
        "searched_plugin": _SEARCH,
    }.items():
        lepton_plugin(
            name = plugin,
            descriptors = DESCRIPTORS,
            environment = "@lepton_rules_onnx//:environment",
            search = search,
            tags = ["manual"],
        )
    _plugin_test(name = "plugin_test", target_under_test = ":searched_plugin")
    _refused_test(
        name = "refused_plugin_test",
        says = "\"Entrpy\" is none of the choices; did you mean \"Entropy\"?",
        target_under_test = ":refused_plugin",
    )
    _recipe_test(name = "recipe_test", target_under_test = ":recipe")
    _recipe_test(name = "extended_recipe_test", target_under_test = ":extended")
    _tune_test(name = "tune_test", target_under_test = ":net.tune")
    _trial_test(name = "trial_test", target_under_test = ":net/one")
    native.test_suite(
        name = name,
        tests = tests + ["extended_recipe_test", "plugin_test", "recipe_test", "refused_plugin_test", "refused_without_test", "trial_test", "tune_test", "unable_trial_test"],
    )
