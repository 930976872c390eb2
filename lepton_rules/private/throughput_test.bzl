"""lepton_throughput_test: samples a second of an artifact that is kept busy, against budgets."""

load(":budget.bzl", "THROUGHPUT_BUDGETS")
load(":device_test.bzl", "DEVICE_ATTRS", "device_attributes", "device_test")

_DOC = """Holds the throughput of an artifact on its chip to budgets.

Windows of time are counted, of the artifact or of artifact and baseline in turn, until a sequential test says pass, fail
or not proven. Where the chip is absent, the test is skipped.
"""

_ATTRS = DEVICE_ATTRS | {
    "concurrency": attr.int(default = 1, doc = "Threads that call the runtime at the same time."),
    "max_plausible_speedup": attr.string(doc = "A gain above this is a broken measurement, not a triumph (100)."),
    "min_samples_per_s": attr.string(doc = "The least samples a second."),
    "min_throughput_ratio": attr.string(doc = "The least of the baseline's throughput, such as `3`."),
    "seconds": attr.string(doc = "The cap on the time of the windows, which wins over their least number (10)."),
}

def _lepton_throughput_test_impl(ctx):
    return device_test(
        ctx,
        kind = "throughput",
        budgets = THROUGHPUT_BUDGETS,
        relative = ["min_throughput_ratio"],
        options = {"concurrency": "concurrency", "plausible_speedup": "max_plausible_speedup", "seconds": "seconds"},
    )

_lepton_throughput_test = rule(
    implementation = _lepton_throughput_test_impl,
    doc = _DOC,
    attrs = _ATTRS,
    test = True,
)

def lepton_throughput_test(
        name,
        artifact,
        baseline = None,
        batch = None,
        concurrency = 1,
        min_samples_per_s = None,
        min_throughput_ratio = None,
        max_plausible_speedup = None,
        seconds = None,
        tags = None,
        size = "medium",
        **kwargs):
    """Holds an artifact's throughput to budgets, on the machine that has its chip.

    Args:
      name: the test's name, by custom `<artifact>_throughput_test`.
      artifact: a lepton_artifact with a dataset.
      baseline: what min_throughput_ratio is relative to: a lepton_artifact, or a lepton_release.
      batch: samples in one inference; the hardware's where it is not set.
      concurrency: threads that call the runtime at the same time.
      min_samples_per_s: the least samples a second.
      min_throughput_ratio: the least of the baseline's throughput.
      max_plausible_speedup: a gain above this is IMPLAUSIBLE (100).
      seconds: the cap on the time of the windows (10).
      tags: Bazel's tags; `exclusive` is added, and `no-remote-exec` unless exec_properties say where to run.
      size: Bazel's size of the test.
      **kwargs: Bazel's attributes of tests.
    """
    _lepton_throughput_test(
        name = name,
        size = size,
        baseline = baseline,
        concurrency = concurrency,
        **device_attributes(artifact, batch, tags, kwargs, {
            "max_plausible_speedup": max_plausible_speedup,
            "min_samples_per_s": min_samples_per_s,
            "min_throughput_ratio": min_throughput_ratio,
            "seconds": seconds,
        })
    )
