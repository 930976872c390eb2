"""What each rule provides, and select() on its attributes. What rules refuse is in tests/failing."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("@bazel_skylib//rules:common_settings.bzl", "bool_flag")
load("@bazel_skylib//rules:write_file.bzl", "write_file")
load(
    "//lepton_rules:defs.bzl",
    "lepton_accuracy_test",
    "lepton_artifact",
    "lepton_checkpoint",
    "lepton_dataset",
    "lepton_hardware",
    "lepton_latency_test",
    "lepton_model",
    "lepton_plugin",
    "lepton_recipe",
    "lepton_size_test",
)
load(
    "//lepton_rules:providers.bzl",
    "DatasetInfo",
    "HardwareInfo",
    "MetricsInfo",
    "ModelInfo",
    "PluginInfo",
    "RecipeInfo",
)
load(":fakes.bzl", "DESCRIPTORS", "append", "fake_environment", "teach", "text")

_WIDE = str(Label("//tests/starlark:wide"))

def _names(files):
    """Paths below the package of this file."""
    return [file.short_path.removeprefix("tests/starlark/") for file in files.to_list()]

def _model_files(folder):
    return [folder + "/" + name for name in ["model", "manifest.json", "weights.sha256"]]

def _plugin_impl(ctx):
    env = analysistest.begin(ctx)
    plugin = analysistest.target_under_test(env)[PluginInfo]
    asserts.equals(env, "fake", plugin.name)
    asserts.equals(env, "//tests/starlark:fake", plugin.label)
    asserts.equals(env, "lepton_plugin_fake", plugin.entry)
    asserts.equals(env, DESCRIPTORS, plugin.descriptors)
    asserts.equals(env, ["fake.py"], _names(plugin.sources))
    asserts.equals(env, "environment", plugin.environment.name)
    asserts.true(env, "tests/starlark" in plugin.roots)
    return analysistest.end(env)

def _model_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    model = target[ModelInfo]
    asserts.equals(env, ("//tests/starlark:model", "text"), (model.label, model.format))
    asserts.equals(env, None, model.hardware)
    asserts.equals(env, ["fake"], [plugin.name for plugin in model.plugins])
    asserts.equals(env, ["fake.text"], [step.name for step in model.steps])
    asserts.equals(env, _model_files("model"), _names(target[DefaultInfo].files))
    (action,) = analysistest.target_actions(env)[-1:]
    asserts.equals(env, "LeptonRun", action.mnemonic)
    return analysistest.end(env)

def _dataset_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    dataset = target[DatasetInfo]
    asserts.equals(env, "evaluation", dataset.evaluation_split)
    asserts.equals(env, ["evaluation", "train"], sorted(dataset.splits))
    asserts.equals(env, ["dataset/train.npz"], _names(target[OutputGroupInfo].train))
    asserts.equals(env, ["dataset/evaluation.npz", "dataset/train.npz"], _names(target[DefaultInfo].files))
    return analysistest.end(env)

def _recipe_impl(ctx):
    env = analysistest.begin(ctx)
    recipe = analysistest.target_under_test(env)[RecipeInfo]
    asserts.equals(env, [("pass", "append", {"bits": 8}), ("pass", "teach", {})], [(s.kind, s.name, s.config) for s in recipe.steps])
    return analysistest.end(env)

def _extended_recipe_impl(ctx):
    env = analysistest.begin(ctx)
    recipe = analysistest.target_under_test(env)[RecipeInfo]
    expected = [("append", {"bits": 6}), ("teach", {}), ("append", {}), ("append", {"bits": 4})]
    asserts.equals(env, expected, [(step.name, step.config) for step in recipe.steps])
    return analysistest.end(env)

def _hardware_impl(ctx):
    env = analysistest.begin(ctx)
    hardware = analysistest.target_under_test(env)[HardwareInfo]
    asserts.equals(env, ("page", "reader", ["blob"], []), (hardware.target, hardware.runtime, hardware.accepts, hardware.capabilities))
    asserts.equals(env, {"ink": "blue", "paper": "thick"}, hardware.options)
    asserts.equals(env, {"fake.append": {"bits": 6}}, hardware.pass_defaults)
    asserts.equals(env, 2, hardware.threads)
    return analysistest.end(env)

def _artifact_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    model = target[ModelInfo]
    names = ["fake.text", "fake.append", "fake.teach", "fake.text_to_blob"]
    folders = ["model", "artifact/1_fake.append", "artifact/2_fake.teach", "artifact/3_fake.text_to_blob"]
    asserts.equals(env, names, [step.name for step in model.steps])
    asserts.equals(env, ("blob", "page"), (model.format, model.hardware.target))
    asserts.equals(env, _model_files(folders[-1]), _names(target[DefaultInfo].files))

    # Every intermediate is an output group; so are the facts, without the weights.
    groups = target[OutputGroupInfo]
    for name, folder in zip(names, folders):
        asserts.equals(env, sorted(_model_files(folder)), sorted(_names(groups[name])))
    asserts.equals(env, [folders[-1] + "/manifest.json"], _names(groups.manifest))
    asserts.equals(env, [folder + "/manifest.json" for folder in folders], _names(groups.manifests))
    asserts.equals(env, [folders[-1] + "/model"], _names(groups.model))
    asserts.equals(env, [folders[-1] + "/weights.sha256"], _names(groups.weights_digest))

    asserts.equals(env, ["artifact/predictions.npz"], [file.short_path.removeprefix("tests/starlark/") for file in [target[MetricsInfo].predictions]])
    asserts.equals(env, 5, len([action for action in analysistest.target_actions(env) if action.mnemonic == "LeptonRun"]))
    return analysistest.end(env)

def _artifact_of_a_list_impl(ctx):
    env = analysistest.begin(ctx)
    model = analysistest.target_under_test(env)[ModelInfo]
    asserts.equals(env, ["fake.text", "fake.append", "fake.append", "fake.text_to_blob"], [step.name for step in model.steps])
    asserts.equals(env, [("int4_weights", "fake.append")], [(need.capability, need.step) for need in model.needs])
    return analysistest.end(env)

def _artifact_of_artifact_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    asserts.equals(env, "bind", target[ModelInfo].steps[-1].name)
    asserts.equals(env, 5, len(target[ModelInfo].steps))
    asserts.equals(env, _model_files("artifact_of_artifact/1_bind"), _names(target[DefaultInfo].files))
    asserts.false(env, MetricsInfo in target)
    return analysistest.end(env)

def _size_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    asserts.equals(env, ["size_test.measurement.json"], _names(target[OutputGroupInfo].measurement))
    runfiles = target[DefaultInfo].default_runfiles.files.to_list()
    asserts.equals(env, [], [file.short_path for file in runfiles if file.is_directory])
    return analysistest.end(env)

def _checkpoint_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    asserts.equals(env, ["checkpoint.safetensors"], _names(target[DefaultInfo].files))
    (action,) = [action for action in analysistest.target_actions(env) if action.mnemonic == "LeptonRun"]
    splits = [file.basename for file in action.inputs.to_list() if file.extension == "npz"]
    asserts.equals(env, ["train.npz"], splits)
    return analysistest.end(env)

def _narrow_impl(ctx):
    env = analysistest.begin(ctx)
    model = analysistest.target_under_test(env)[ModelInfo]
    asserts.equals(env, "page", model.hardware.target)
    asserts.equals(env, {"ink": "blue", "paper": "thin"}, model.hardware.options)
    asserts.equals(env, ["fake.text", "fake.text_to_blob"], [step.name for step in model.steps])
    asserts.equals(env, "lepton_plugin_narrow", model.hardware.plugin.entry)
    return analysistest.end(env)

def _wide_impl(ctx):
    env = analysistest.begin(ctx)
    model = analysistest.target_under_test(env)[ModelInfo]
    asserts.equals(env, "wide_page", model.hardware.target)
    asserts.equals(env, {"paper": "thick"}, model.hardware.options)
    asserts.equals(env, ["fake.text", "fake.append", "fake.teach", "fake.text_to_blob"], [step.name for step in model.steps])
    asserts.equals(env, "other_model", model.steps[0].directory.short_path.split("/")[-2])
    return analysistest.end(env)

def _accuracy_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    asserts.equals(env, ["accuracy_test.measurement.json"], _names(target[OutputGroupInfo].measurement))

    # What it judges is metrics, and facts: neither predictions, nor data, nor weights.
    (verdict,) = [action for action in analysistest.target_actions(env) if action.mnemonic == "LeptonVerdict"]
    inputs = [file for file in verdict.inputs.to_list() if file.short_path.startswith("tests/starlark/")]
    asserts.equals(env, ["intervals.json", "manifest.json", "manifest.json", "metrics.json", "metrics.json"], sorted([file.basename for file in inputs]))
    return analysistest.end(env)

def _launcher(env):
    (action,) = [action for action in analysistest.target_actions(env) if action.mnemonic == "FileWrite"]
    return action.content

def _narrow_latency_impl(ctx):
    env = analysistest.begin(ctx)
    launcher = _launcher(env)
    for flag in ["--batch=1", "--budget=min_speedup=3", "--artifact_label=//tests/starlark:artifact", "--plugin=fake"]:
        asserts.true(env, flag in launcher.replace("'", ""), flag)
    runfiles = _names(analysistest.target_under_test(env)[DefaultInfo].default_runfiles.files)
    for file in ["artifact/3_fake.text_to_blob/model", "dataset/evaluation.npz", "environment/prefix"]:
        asserts.true(env, file in runfiles, file)
    return analysistest.end(env)

def _wide_latency_impl(ctx):
    env = analysistest.begin(ctx)
    launcher = _launcher(env)
    for flag in ["--batch=2", "--budget=max_p99_ms=7", "--artifact_label=//tests/starlark:selected_artifact"]:
        asserts.true(env, flag in launcher.replace("'", ""), flag)
    return analysistest.end(env)

def _selected_size_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.expect_failure(env, "lepton: max_size_bytes in //tests/starlark:selected_size_test: \"wide\" is not a whole number")
    return analysistest.end(env)

_SETTINGS = {_WIDE: True}

_plugin_test = analysistest.make(_plugin_impl)
_model_test = analysistest.make(_model_impl)
_dataset_test = analysistest.make(_dataset_impl)
_recipe_test = analysistest.make(_recipe_impl)
_extended_recipe_test = analysistest.make(_extended_recipe_impl)
_artifact_of_a_list_test = analysistest.make(_artifact_of_a_list_impl)
_hardware_test = analysistest.make(_hardware_impl)
_artifact_test = analysistest.make(_artifact_impl)
_artifact_of_artifact_test = analysistest.make(_artifact_of_artifact_impl)
_size_test_test = analysistest.make(_size_test_impl)
_checkpoint_test = analysistest.make(_checkpoint_impl)
_accuracy_test_test = analysistest.make(_accuracy_test_impl)
_narrow_latency_test = analysistest.make(_narrow_latency_impl)
_wide_latency_test = analysistest.make(_wide_latency_impl, config_settings = _SETTINGS)
_narrow_test = analysistest.make(_narrow_impl)
_wide_test = analysistest.make(_wide_impl, config_settings = _SETTINGS)
_selected_size_test = analysistest.make(_selected_size_impl, config_settings = _SETTINGS, expect_failure = True)

def _subjects():
    """The targets under test; nothing of them is ever built."""
    fake_environment(name = "environment", tags = ["manual"])
    write_file(name = "source", out = "fake.py", content = [], tags = ["manual"])
    lepton_plugin(
        name = "fake",
        srcs = [":fake.py"],
        descriptors = DESCRIPTORS,
        environment = ":environment",
        tags = ["manual"],
    )
    lepton_model(name = "model", importer = text(), weights = [":fake.py"], tags = ["manual"])
    lepton_model(name = "other_model", importer = text(), weights = [":fake.py"], tags = ["manual"])
    lepton_dataset(
        name = "dataset",
        environment = ":environment",
        generator = "fake:make",
        split_indices = ":splits.json",
        splits = ["evaluation", "train"],
        tags = ["manual"],
    )
    write_file(name = "splits", out = "splits.json", content = [], tags = ["manual"])
    lepton_recipe(name = "recipe", passes = [append(bits = 8), teach()], tags = ["manual"])
    lepton_recipe(name = "empty_recipe", passes = [], tags = ["manual"])
    lepton_recipe(
        name = "longer_recipe",
        extends = ":recipe",
        overrides = [append(bits = 6)],
        passes = [append()],
        tags = ["manual"],
    )
    lepton_recipe(
        name = "extended_recipe",
        extends = ":longer_recipe",
        hardware = [":wide_hardware"],
        passes = [append(bits = 4)],
        tags = ["manual"],
    )
    lepton_hardware(name = "wide_hardware", plugin = ":fake", tags = ["manual"], target = "wide_page")
    lepton_hardware(
        name = "hardware",
        options = {"ink": "blue", "paper": "thick"},
        pass_defaults = [append(bits = 6)],
        plugin = ":fake",
        tags = ["manual"],
        target = "page",
        threads = 2,
    )
    lepton_artifact(
        name = "artifact",
        dataset = ":dataset",
        hardware = ":hardware",
        model = ":model",
        recipe = ":recipe",
        slots = {":dataset": "notes"},
        tags = ["manual"],
    )
    lepton_artifact(
        name = "artifact_of_a_list",
        hardware = ":wide_hardware",
        model = ":model",
        recipe = [append(), append(bits = 4)],
        tags = ["manual"],
    )
    lepton_artifact(name = "artifact_of_artifact", hardware = ":hardware", model = ":artifact", tags = ["manual"])
    lepton_artifact(
        name = "other_artifact",
        dataset = ":dataset",
        hardware = ":hardware",
        model = ":artifact",
        tags = ["manual"],
    )
    lepton_accuracy_test(
        name = "accuracy_test",
        artifact = ":artifact",
        baseline = ":other_artifact",
        max_accuracy_drop = 0,
        tags = ["manual"],
    )
    lepton_size_test(name = "size_test", artifact = ":artifact", max_size_bytes = 100, tags = ["manual"])
    lepton_checkpoint(
        name = "checkpoint",
        dataset = ":dataset",
        function = "fake:train",
        plugin = ":fake",
        tags = ["manual"],
    )

def _selected_subjects():
    """The same with select() wherever an attribute takes a label or a string."""
    bool_flag(name = "wide", build_setting_default = False)
    native.config_setting(name = "is_wide", flag_values = {":wide": "True"})

    def pick(wide, narrow):
        return select({":is_wide": wide, "//conditions:default": narrow})

    fake_environment(name = "wide_environment", tags = ["manual"])
    lepton_plugin(
        name = "selected_plugin",
        srcs = pick([":fake.py"], []),
        descriptors = pick(json.encode(DESCRIPTORS | {"name": "wide"}), json.encode(DESCRIPTORS | {"exporters": {}, "name": "narrow"})),
        entry = pick("lepton_plugin_wide", "lepton_plugin_narrow"),
        environment = pick(":wide_environment", ":environment"),
        preload = pick(["numpy"], []),
        tags = ["manual"],
    )
    lepton_hardware(
        name = "selected_hardware",
        options = pick({"paper": "thick"}, {"ink": "blue"}),
        plugin = pick(":fake", ":selected_plugin"),
        tags = ["manual"],
        target = pick("wide_page", "page"),
        threads = pick(4, 1),
    )
    lepton_dataset(
        name = "selected_dataset",
        config = pick("{}", "{\"count\": 3}"),
        environment = pick(":wide_environment", ":environment"),
        evaluation_split = pick("held_out", "evaluation"),
        generator = pick("fake:wide", "fake:narrow"),
        split_indices = ":splits.json",
        splits = pick(["held_out", "train"], ["evaluation", "train"]),
        tags = ["manual"],
    )
    lepton_model(
        name = "selected_model",
        environment = pick(":wide_environment", ":environment"),
        importer = text(),
        tags = ["manual"],
        weights = pick([":splits.json"], [":fake.py"]),
    )
    lepton_artifact(
        name = "selected_artifact",
        dataset = pick(":selected_dataset", None),
        hardware = ":selected_hardware",
        model = pick(":other_model", ":model"),
        recipe = pick(":recipe", ":empty_recipe"),
        seed = pick(1, 2),
        slots = pick({":model": "teacher", ":selected_dataset": "notes=train"}, {}),
        tags = ["manual"],
        threads = pick(2, 1),
    )
    lepton_checkpoint(
        name = "selected_checkpoint",
        dataset = pick(":selected_dataset", ":dataset"),
        environment = pick(":wide_environment", ":environment"),
        function = pick("fake:wide", "fake:narrow"),
        plugin = ":fake",
        tags = ["manual"],
    )
    lepton_size_test(
        name = "selected_size_test",
        artifact = pick(":artifact", ":model"),
        baseline = pick(":model", ":artifact"),
        max_size_bytes = pick("wide", "100"),
        tags = ["manual"],
    )
    lepton_latency_test(
        name = "selected_latency_test",
        artifact = pick(":selected_artifact", ":artifact"),
        baseline = pick(None, ":other_artifact"),
        batch = pick(2, 1),
        max_p99_ms = pick("7", ""),
        min_speedup = pick("", "3"),
        tags = ["manual"],
    )

_TESTS = {
    "accuracy_test": _accuracy_test_test,
    "artifact": _artifact_test,
    "artifact_of_a_list": _artifact_of_a_list_test,
    "artifact_of_artifact": _artifact_of_artifact_test,
    "checkpoint": _checkpoint_test,
    "dataset": _dataset_test,
    "extended_recipe": _extended_recipe_test,
    "fake": _plugin_test,
    "hardware": _hardware_test,
    "model": _model_test,
    "recipe": _recipe_test,
    "selected_size_test": _selected_size_test,
    "size_test": _size_test_test,
}

def analysis_test_suite(name):
    """Analysis tests of the rules.

    Args:
      name: the suite's name.
    """
    _subjects()
    _selected_subjects()
    for target, test in _TESTS.items():
        test(name = target + "_analysis_test", target_under_test = ":" + target)
    _narrow_test(name = "selected_artifact_narrow_analysis_test", target_under_test = ":selected_artifact")
    _wide_test(name = "selected_artifact_wide_analysis_test", target_under_test = ":selected_artifact")
    _narrow_latency_test(name = "selected_latency_test_narrow_analysis_test", target_under_test = ":selected_latency_test")
    _wide_latency_test(name = "selected_latency_test_wide_analysis_test", target_under_test = ":selected_latency_test")
    native.test_suite(
        name = name,
        tests = [
            ":{}_analysis_test".format(target)
            for target in list(_TESTS) + [
                "selected_artifact_narrow",
                "selected_artifact_wide",
                "selected_latency_test_narrow",
                "selected_latency_test_wide",
            ]
        ],
    )
