"""Analysis tests of lepton_plugin_contract_test."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//lepton_rules:testing.bzl", "lepton_plugin_contract_test")

def _without_samples_test_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.expect_failure(
        env,
        "lepton: samples in //tests/contract:without_samples_subject: the plugin sample has components to try, " +
        "and there is nothing to try them on. Give samples = \"module:function\", and the module's file in srcs.",
    )
    return analysistest.end(env)

_without_samples_test = analysistest.make(_without_samples_test_impl, expect_failure = True)

def _runfiles_test_impl(ctx):
    env = analysistest.begin(ctx)
    files = [f.short_path for f in analysistest.target_under_test(env)[DefaultInfo].default_runfiles.files.to_list()]
    for expected in [
        "tests/contract/sample/lepton_plugin_sample/__init__.py",
        "tests/contract/sample/passes.bzl",
        "tests/contract/sample/sample_models.py",
        "lepton_rules/plugin/contract/driver.py",
        "lepton_rules/plugin/capabilities.bzl",
        "lepton_rules/manifest/manifest.schema.json",
    ]:
        asserts.true(env, expected in files, "{} is not among the runfiles".format(expected))
    asserts.true(env, len(files) < 500, "the environment must be one directory, not {} files".format(len(files)))
    return analysistest.end(env)

_runfiles_test = analysistest.make(_runfiles_test_impl)

def contract_rule_tests(name):
    """Declares the tests, and a suite of them.

    Args:
      name: the suite's name.
    """
    lepton_plugin_contract_test(
        name = "without_samples_subject",
        passes = "//tests/contract/sample:passes.bzl",
        plugin = "//tests/contract/sample",
        tags = ["manual"],
    )
    _without_samples_test(name = "without_samples_test", target_under_test = ":without_samples_subject")
    _runfiles_test(name = "runfiles_test", target_under_test = "//tests/contract/sample:contract_test")
    native.test_suite(
        name = name,
        tests = [":runfiles_test", ":without_samples_test"],
    )
