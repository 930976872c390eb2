"""lepton_latency_test: an artifact's speed on its chip against budgets."""

load(":budget.bzl", "LATENCY_BUDGETS")
load(":device_test.bzl", "DEVICE_ATTRS", "device_attributes", "device_test")

_DOC = """Holds an artifact's latency on its chip to budgets.

A speed-up is judged in one process, in adjacent pairs of random order, by a sequential test that says pass, fail or not
proven. Milliseconds are for the declared hardware only. Where the chip is absent, the test is skipped.
"""

_ATTRS = DEVICE_ATTRS | {
    "max_p50_ms": attr.string(doc = "The most milliseconds of the median inference."),
    "max_p90_ms": attr.string(doc = "The most milliseconds of 90 % of inferences."),
    "max_p99_ms": attr.string(doc = "The most milliseconds of 99 % of inferences."),
    "max_plausible_speedup": attr.string(doc = "A gain above this is a broken measurement, not a triumph (100)."),
    "min_speedup": attr.string(doc = "The least speed-up over the baseline, such as `3.2`."),
    "seconds": attr.string(doc = "The cap on the time of the pairs, which wins over their least number (10)."),
}

def _lepton_latency_test_impl(ctx):
    return device_test(
        ctx,
        kind = "latency",
        budgets = LATENCY_BUDGETS,
        relative = ["min_speedup"],
        options = {"plausible_speedup": "max_plausible_speedup", "seconds": "seconds"},
    )

_lepton_latency_test = rule(
    implementation = _lepton_latency_test_impl,
    doc = _DOC,
    attrs = _ATTRS,
    test = True,
)

def lepton_latency_test(
        name,
        artifact,
        baseline = None,
        batch = None,
        min_speedup = None,
        max_p50_ms = None,
        max_p90_ms = None,
        max_p99_ms = None,
        max_plausible_speedup = None,
        seconds = None,
        tags = None,
        size = "medium",
        **kwargs):
    """Holds an artifact's latency to budgets, on the machine that has its chip.

    Args:
      name: the test's name, by custom `<artifact>_latency_test`.
      artifact: a lepton_artifact with a dataset.
      baseline: what min_speedup is relative to: a lepton_artifact, or a lepton_release.
      batch: samples in one inference; the hardware's where it is not set.
      min_speedup: the least speed-up over the baseline.
      max_p50_ms: the most milliseconds of the median inference.
      max_p90_ms: the most milliseconds of 90 % of inferences.
      max_p99_ms: the most milliseconds of 99 % of inferences.
      max_plausible_speedup: a gain above this is IMPLAUSIBLE (100).
      seconds: the cap on the time of the pairs (10).
      tags: Bazel's tags; `exclusive` is added, and `no-remote-exec` unless exec_properties say where to run.
      size: Bazel's size of the test.
      **kwargs: Bazel's attributes of tests.
    """
    _lepton_latency_test(
        name = name,
        size = size,
        baseline = baseline,
        **device_attributes(artifact, batch, tags, kwargs, {
            "max_p50_ms": max_p50_ms,
            "max_p90_ms": max_p90_ms,
            "max_p99_ms": max_p99_ms,
            "max_plausible_speedup": max_plausible_speedup,
            "min_speedup": min_speedup,
            "seconds": seconds,
        })
    )
