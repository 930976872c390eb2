"""Reports and profiles: what they read, and what they refuse. The targets are those of analysis_tests.bzl."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//lepton_rules:defs.bzl", "lepton_latency_test", "lepton_report")

def _report_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    names = sorted([file.basename for file in target[DefaultInfo].files.to_list()])
    asserts.equals(env, ["report_of_two.html", "report_of_two.json"], names)
    (action,) = [action for action in analysistest.target_actions(env) if action.mnemonic == "LeptonReport"]
    own = [file for file in action.inputs.to_list() if file.short_path.startswith("tests/starlark/")]

    # Facts, answers and verdicts: no model, and no weights.
    folders = [file.short_path for file in own if file.is_directory]
    asserts.equals(env, [], [folder for folder in folders if folder.endswith("/model")])
    names = [file.short_path.removeprefix("tests/starlark/") for file in own]
    for wanted in [
        "artifact/3_fake.text_to_blob/manifest.json",
        "artifact/metrics.json",
        "artifact/predictions.npz",
        "artifact/recipe.yaml",
        "model/manifest.json",
        "size_test.measurement.json",
    ]:
        asserts.true(env, wanted in names, "{} is no input".format(wanted))
    asserts.false(env, "artifact/3_fake.text_to_blob/weights.sha256" in names)
    return analysistest.end(env)

def _refused_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.expect_failure(env, ctx.attr.says)
    return analysistest.end(env)

_report_test = analysistest.make(_report_impl)
_refused_test = analysistest.make(_refused_impl, attrs = {"says": attr.string()}, expect_failure = True)

_REFUSED = {
    "artifact_of_a_list.profile": "lepton: artifact in //tests/starlark:artifact_of_a_list.profile: //tests/starlark:artifact_of_a_list has no dataset to take inputs from. Give it one.",
    "report_of_a_measurement": "lepton: tests in //tests/starlark:report_of_a_measurement: //tests/starlark:timed_latency_test judges nothing before it runs; `bazel run` finds what it measured in the test logs. Leave it out.",
    "report_of_a_model": "lepton: images in //tests/starlark:report_of_a_model: //tests/starlark:model is no image: it has no provenance. Name a lepton_image or a lepton_image_index.",
    "report_of_nothing": "lepton: artifacts in //tests/starlark:report_of_nothing: there is none. Name at least one lepton_artifact.",
}

def report_test_suite(name):
    """Tests of lepton_report and of an artifact's profile.

    Args:
      name: the suite's name.
    """
    lepton_report(name = "report_of_two", artifacts = [":artifact", ":model"], tags = ["manual"], tests = [":size_test"])
    lepton_latency_test(name = "timed_latency_test", artifact = ":artifact", max_p50_ms = 1, tags = ["manual"])
    lepton_report(name = "report_of_a_measurement", artifacts = [":artifact"], tags = ["manual"], tests = [":timed_latency_test"])
    lepton_report(name = "report_of_a_model", artifacts = [":artifact"], images = [":model"], tags = ["manual"])
    lepton_report(name = "report_of_nothing", artifacts = [], tags = ["manual"])
    _report_test(name = "report_analysis_test", target_under_test = ":report_of_two")
    for target, says in _REFUSED.items():
        _refused_test(name = target + "_refused_test", says = says, target_under_test = ":" + target)
    native.test_suite(
        name = name,
        tests = [":report_analysis_test"] + [":{}_refused_test".format(target) for target in _REFUSED],
    )
