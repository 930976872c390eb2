"""Tests that run Bazel."""

load("//lepton_rules:testing.bzl", "lepton_python_test")

def bazel_test(name, srcs, data = [], helpers = [], tags = [], **kwargs):
    """A pytest that runs a nested Bazel on modules of the source tree, through tests/support/bazel.py.

    It is exclusive, since a build has all cores, and not sandboxed, since a nested Bazel has sandboxes of its own and
    needs the real source tree. What the nested build reads of this module are its inputs, so that it is cached.

    Args:
      name: the test's name.
      srcs: files of tests.
      data: files of the nested module.
      helpers: modules that the tests import.
      tags: more tags.
      **kwargs: see lepton_python_test.
    """
    lepton_python_test(
        name = name,
        srcs = srcs,
        data = data + ["//:tree"],
        helpers = helpers + [
            "//tests/support:bazel.py",
            "//tests/support:module.py",
        ],
        tags = tags + [
            "exclusive",
            "no-remote-exec",
            "no-sandbox",
        ],
        **kwargs
    )
