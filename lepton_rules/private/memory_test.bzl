"""lepton_memory_test: the memory of a process that serves an artifact against budgets."""

load("//lepton_rules/private/providers:memory_budget_info.bzl", "MemoryBudgetInfo")
load("//lepton_rules/private/providers:model_info.bzl", "ModelInfo")
load(":budget.bzl", "MEMORY_BUDGETS")
load(":device_test.bzl", "DEVICE_ATTRS", "device_attributes", "device_test")
load(":messages.bzl", "display_label")

_DOC = """Holds the resident set of a fresh process that loads an artifact and runs it to budgets.

All of the process counts, interpreter and libraries included, as it does where memory is bought. Three processes are
measured. Where the chip is absent, the test is skipped.
"""

_ATTRS = DEVICE_ATTRS | {
    "max_inference_rss_bytes": attr.string(doc = "The most bytes of the resident set while the model runs."),
    "max_inference_rss_ratio": attr.string(doc = "The most of the baseline's bytes while the model runs, such as `0.5`."),
    "max_load_rss_bytes": attr.string(doc = "The most bytes of the resident set while the model is loaded."),
}

def _lepton_memory_test_impl(ctx):
    test = device_test(ctx, kind = "memory", budgets = MEMORY_BUDGETS, relative = ["max_inference_rss_ratio"])
    return test + [MemoryBudgetInfo(
        label = display_label(ctx.label),
        manifest = ctx.attr.artifact[ModelInfo].manifest,
        max_inference_rss_bytes = ctx.attr.max_inference_rss_bytes.strip(),
    )]

_lepton_memory_test = rule(
    implementation = _lepton_memory_test_impl,
    doc = _DOC,
    attrs = _ATTRS,
    test = True,
)

def lepton_memory_test(
        name,
        artifact,
        baseline = None,
        batch = None,
        max_load_rss_bytes = None,
        max_inference_rss_bytes = None,
        max_inference_rss_ratio = None,
        tags = None,
        size = "medium",
        **kwargs):
    """Holds the memory of a process that loads an artifact and runs it to budgets.

    Args:
      name: the test's name, by custom `<artifact>_memory_test`.
      artifact: a lepton_artifact with a dataset.
      baseline: what max_inference_rss_ratio is relative to: a lepton_artifact, or a lepton_release.
      batch: samples in one inference; the hardware's where it is not set.
      max_load_rss_bytes: the most bytes of the resident set while the model is loaded.
      max_inference_rss_bytes: the most bytes of the resident set while the model runs.
      max_inference_rss_ratio: the most of the baseline's bytes while the model runs.
      tags: Bazel's tags; `exclusive` is added, and `no-remote-exec` unless exec_properties say where to run.
      size: Bazel's size of the test.
      **kwargs: Bazel's attributes of tests.
    """
    _lepton_memory_test(
        name = name,
        size = size,
        baseline = baseline,
        **device_attributes(artifact, batch, tags, kwargs, {
            "max_inference_rss_bytes": max_inference_rss_bytes,
            "max_inference_rss_ratio": max_inference_rss_ratio,
            "max_load_rss_bytes": max_load_rss_bytes,
        })
    )
