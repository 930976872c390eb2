"""lepton_cold_start_test: from the start of a process to its first answer, against budgets."""

load(":budget.bzl", "COLD_START_BUDGETS")
load(":device_test.bzl", "DEVICE_ATTRS", "device_attributes", "device_test")

_DOC = """Holds the time from the start of a process to its first answer to budgets.

Each start is a process of its own: interpreter, libraries, model and one inference, with the files in the page cache.
The median is judged by a sequential test. Where the chip is absent, the test is skipped.
"""

_ATTRS = DEVICE_ATTRS | {
    "max_cold_start_ms": attr.string(doc = "The most milliseconds of the median start."),
    "max_cold_start_ratio": attr.string(doc = "The most of the baseline's time, such as `0.8`."),
    "seconds": attr.string(doc = "The cap on the time of the starts, which wins over their least number (60)."),
}

def _lepton_cold_start_test_impl(ctx):
    return device_test(
        ctx,
        kind = "cold_start",
        budgets = COLD_START_BUDGETS,
        relative = ["max_cold_start_ratio"],
        options = {"seconds": "seconds"},
    )

_lepton_cold_start_test = rule(
    implementation = _lepton_cold_start_test_impl,
    doc = _DOC,
    attrs = _ATTRS,
    test = True,
)

def lepton_cold_start_test(
        name,
        artifact,
        baseline = None,
        batch = None,
        max_cold_start_ms = None,
        max_cold_start_ratio = None,
        seconds = None,
        tags = None,
        size = "medium",
        **kwargs):
    """Holds the time from the start of a process to its first answer to budgets.

    Args:
      name: the test's name, by custom `<artifact>_cold_start_test`.
      artifact: a lepton_artifact with a dataset.
      baseline: what max_cold_start_ratio is relative to: a lepton_artifact, or a lepton_release.
      batch: samples in one inference; the hardware's where it is not set.
      max_cold_start_ms: the most milliseconds of the median start.
      max_cold_start_ratio: the most of the baseline's time.
      seconds: the cap on the time of the starts (60).
      tags: Bazel's tags; `exclusive` is added, and `no-remote-exec` unless exec_properties say where to run.
      size: Bazel's size of the test.
      **kwargs: Bazel's attributes of tests.
    """
    _lepton_cold_start_test(
        name = name,
        size = size,
        baseline = baseline,
        **device_attributes(artifact, batch, tags, kwargs, {
            "max_cold_start_ms": max_cold_start_ms,
            "max_cold_start_ratio": max_cold_start_ratio,
            "seconds": seconds,
        })
    )
