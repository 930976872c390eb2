"""Tests that run images on real parts."""

load("@lepton_rules_container_parts//:parts.bzl", "PARTS")
load("//lepton_rules:testing.bzl", "lepton_python_test")

# What an engine needs of the machine, whichever it is.
RUNS_CONTAINERS = [
    "cgroups",
    "namespaces",
    "root",
]

def missing_parts(name):
    """One constraint for each part, that no platform has: what Bazel names as the reason when a test is skipped.

    Args:
      name: of their setting.
    """
    native.constraint_setting(name = name, visibility = ["//visibility:private"])
    for part in PARTS:
        native.constraint_value(
            name = "this_machine_lacks_" + part,
            constraint_setting = ":" + name,
            visibility = ["//visibility:private"],
        )

def container_test(name, srcs, parts, data = [], helpers = [], **kwargs):
    """A pytest that is skipped where this machine lacks one of `parts`.

    It is exclusive and not sandboxed: it makes cgroups, mounts and networks.

    Args:
      name: the test's name.
      srcs: files of tests.
      parts: names of programs, and what else parts.bzl looks for.
      data: files that the tests read.
      helpers: modules that the tests import.
      **kwargs: see lepton_python_test.
    """
    lacking = [part for part in parts if not PARTS[part]]
    lepton_python_test(
        name = name,
        srcs = srcs,
        data = data,
        environment = "@lepton_rules_serve_test//:environment",
        helpers = helpers,
        tags = [
            "exclusive",
            "no-remote-exec",
            "no-sandbox",
            "requires-network",
        ],
        target_compatible_with = [":this_machine_lacks_" + part for part in lacking],
        **kwargs
    )
