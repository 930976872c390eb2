"""lepton_parity_test: two runtimes, or two versions, give the same answers."""

load("//lepton_rules/private/providers:model_info.bzl", "ModelInfo")
load(":budget.bzl", "DIFFERENCE_BUDGETS", "require_budgets")
load(":comparison.bzl", "COMPARISON_ATTRS", "compare", "difference_attributes", "difference_budgets")
load(":gate_settings.bzl", "GATE_ATTRS")
load(":verdict.bzl", "verdict_test")

_DOC = """Holds the difference between the answers of two models to budgets, and names the worst sample.

The answers are those of each model's runtime, from its deterministic CPU reference, made by build actions: so the test is
cached, runs anywhere, and compares a few numbers.
"""

_ATTRS = GATE_ATTRS | COMPARISON_ATTRS | {
    "artifact": attr.label(mandatory = True, providers = [ModelInfo], doc = "The artifact."),
    "baseline": attr.label(mandatory = True, providers = [ModelInfo], doc = "The artifact for another runtime, or of another version, that it is to agree with."),
}

def _lepton_parity_test_impl(ctx):
    given = difference_budgets(ctx)
    if not given:
        require_budgets(ctx, {name: None for name in DIFFERENCE_BUDGETS})
    model, baseline = ctx.attr.artifact[ModelInfo], ctx.attr.baseline[ModelInfo]
    comparison = compare(ctx, "artifact", ctx.attr.artifact, ctx.attr.baseline)
    args = ctx.actions.args()
    args.add("--artifact_label=" + model.label)
    args.add(model.manifest, format = "--manifest=%s")
    args.add("--baseline_label=" + baseline.label)
    args.add(baseline.manifest, format = "--baseline_manifest=%s")
    args.add(comparison, format = "--comparison=%s")
    args.add_all(given, format_each = "--budget=%s")
    return verdict_test(ctx, kind = "parity", args = args, inputs = [model.manifest, baseline.manifest, comparison])

_lepton_parity_test = rule(
    implementation = _lepton_parity_test_impl,
    doc = _DOC,
    attrs = _ATTRS,
    test = True,
)

def lepton_parity_test(
        name,
        artifact,
        baseline,
        dataset = None,
        max_absolute_difference = None,
        max_relative_difference = None,
        min_agreement = None,
        size = "small",
        **kwargs):
    """Holds the difference between the answers of two models to budgets, and names the worst sample and output.

    Args:
      name: the test's name, by custom `<artifact>_parity_test`.
      artifact: a lepton_artifact.
      baseline: the lepton_artifact for another runtime, or of another version, that it is to agree with.
      dataset: the lepton_dataset whose evaluation split both answer. Default: the artifact's own.
      max_absolute_difference: the most by which any element of any output may differ; 0 asks for the same bits.
      max_relative_difference: the same as a fraction of the largest element of the baseline's output for that sample.
      min_agreement: the least share of samples with the same answer: the same class where an output has scores, else equal elements.
      size: Bazel's size of the test.
      **kwargs: Bazel's attributes of tests.
    """
    _lepton_parity_test(
        name = name,
        size = size,
        artifact = artifact,
        baseline = baseline,
        dataset = dataset,
        **(difference_attributes(max_absolute_difference, max_relative_difference, min_agreement) | kwargs)
    )
