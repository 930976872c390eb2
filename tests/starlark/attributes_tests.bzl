"""Bazel's common attributes reach the targets of every macro: visibility, testonly, tags, exec_properties and
target_compatible_with."""

load("@bazel_skylib//lib:unittest.bzl", "loadingtest")
load(
    "//lepton_rules:defs.bzl",
    "lepton_accuracy_test",
    "lepton_artifact",
    "lepton_budgets",
    "lepton_checkpoint",
    "lepton_dataset",
    "lepton_hardware",
    "lepton_latency_test",
    "lepton_model",
    "lepton_plugin",
    "lepton_recipe",
    "lepton_size_test",
)
load(":fakes.bzl", "DESCRIPTORS", "pickle", "text")

_COMMON = {
    "exec_properties": {"pool": "large"},
    "tags": ["manual", "own"],
    "target_compatible_with": [str(Label("@platforms//os:linux"))],
    "testonly": True,
    "visibility": ["//tests:__subpackages__"],
}

# Each macro, with what it needs.
_MACROS = {
    "accuracy_test": (lepton_accuracy_test, {"artifact": ":x", "min_accuracy": 1}),
    "artifact": (lepton_artifact, {"hardware": ":x", "model": ":x"}),
    "budgets": (lepton_budgets, {"artifact": ":x", "max_size_bytes": 1}),
    "checkpoint": (lepton_checkpoint, {"function": "a:b", "plugin": ":x"}),
    "dataset": (lepton_dataset, {"environment": ":x", "generator": "a:b", "splits": ["evaluation"]}),
    "hardware": (lepton_hardware, {"plugin": ":x", "target": "page"}),
    "latency_test": (lepton_latency_test, {"artifact": ":x", "max_p50_ms": 1}),
    "model": (lepton_model, {"importer": text(), "weights": [":x"]}),
    "plugin": (lepton_plugin, {"descriptors": DESCRIPTORS, "environment": ":x"}),
    "recipe": (lepton_recipe, {"passes": []}),
    "size_test": (lepton_size_test, {"artifact": ":x", "max_size_bytes": 1}),
}

# The target that has the attributes, where it is not called as the macro's.
_TARGETS = {"budgets": "budgets_of_x_size_test"}

# Tags that a macro adds.
_TAGS = {"latency_test": ["exclusive"]}

def _found(name):
    rule = native.existing_rule(name)
    return {key: _plain(rule[key]) for key in _COMMON if key in rule}

def _plain(value):
    # existing_rule gives views, tuples for lists, and select() a second time as it was.
    if type(value) in ["tuple", "list"]:
        return [str(element) for element in value]
    return dict(value) if type(value) == "dict" or hasattr(value, "keys") else value

def attributes_test_suite(name):
    """Tests of what macros pass on.

    Args:
      name: the suite's name.
    """
    env = loadingtest.make(name)
    for macro, (function, attributes) in _MACROS.items():
        function(name = macro + "_of_x", **(attributes | _COMMON))
        found = _found(_TARGETS.get(macro, macro + "_of_x"))
        expected = _COMMON | {"tags": sorted(_COMMON["tags"] + _TAGS.get(macro, []))}
        loadingtest.equals(env, macro, expected, found | {"tags": sorted(found["tags"])})

    # What runs on a chip runs where exec_properties say, else here; what runs stored code is tagged.
    lepton_latency_test(name = "latency_test_here", artifact = ":x", max_p50_ms = 1, tags = ["manual"])
    loadingtest.equals(env, "latency_test_here", ["exclusive", "manual", "no-remote-exec"], sorted(_found("latency_test_here")["tags"]))
    lepton_model(name = "model_with_code", importer = pickle(), weights = [":x"], allow_code = True, tags = ["manual"])
    loadingtest.equals(env, "model_with_code", ["lepton_allow_code", "manual"], sorted(_found("model_with_code")["tags"]))

    # Parity is with an artifact of its own, and has another name for the share that agrees: min_agreement is a metric's.
    lepton_budgets(
        name = "all_budgets",
        artifact = ":x",
        baseline = ":y",
        max_relative_difference = 0.01,
        max_size_bytes = 1,
        min_agreement = 0.98,
        min_parity_agreement = 0.99,
        parity_baseline = ":z",
        tags = ["manual"],
    )
    parity, size = native.existing_rule("all_parity_test"), native.existing_rule("all_size_test")
    loadingtest.equals(env, "parity", [":z", "0.01", "0.99"], [parity[key] for key in ["baseline", "max_relative_difference", "min_agreement"]])
    loadingtest.equals(env, "accuracy", [":y", "0.98"], [native.existing_rule("all_accuracy_test")["baseline"], native.existing_rule("all_accuracy_test")["budgets"]["min_agreement"]])
    loadingtest.equals(env, "size", None, size.get("baseline"))
    loadingtest.equals(env, "suite", [":all_accuracy_test", ":all_parity_test", ":all_size_test"], sorted(native.existing_rule("all_budgets")["tests"]))
    lepton_budgets(name = "with_baseline_budgets", artifact = ":x", baseline = ":y", max_absolute_difference = 0, tags = ["manual"])
    loadingtest.equals(env, "parity_with_baseline", ":y", native.existing_rule("with_baseline_parity_test")["baseline"])

    # Runnables are for who asks for them.
    for runnable in ["monitor", "profile", "report", "summary"]:
        loadingtest.equals(env, runnable, ["manual"], _found("artifact_of_x." + runnable)["tags"])
        loadingtest.equals(env, runnable + "_visibility", _COMMON["visibility"], _found("artifact_of_x." + runnable)["visibility"])
