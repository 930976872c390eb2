"""lepton_accuracy_test: an artifact's metrics against budgets."""

load("//lepton_rules/private/providers:metrics_info.bzl", "MetricsInfo")
load("//lepton_rules/private/providers:model_info.bzl", "ModelInfo")
load("//lepton_rules/private/providers:plugin_info.bzl", "PluginInfo")
load(":budget.bzl", "check_budget", "decimal", "require_baseline", "require_budgets")
load(":components.bzl", "component_attributes", "decode_components")
load(":evaluate.bzl", "ACCURACY", "AGREEMENT", "measure")
load(":gate_settings.bzl", "GATE_ATTRS")
load(":messages.bzl", "message")
load(":verdict.bzl", "verdict_test")

_DOC = """Holds an artifact's accuracy on its dataset's evaluation split to budgets.

The predictions are made and measured by build actions, on the runtime's deterministic CPU reference. So the test is
cached, runs anywhere, and compares a few numbers.
"""

_ATTRS = GATE_ATTRS | {
    "artifact": attr.label(mandatory = True, providers = [ModelInfo], doc = "An artifact with a dataset."),
    "baseline": attr.label(providers = [ModelInfo], doc = "The artifact that max_accuracy_drop and min_agreement are relative to."),
    "max_accuracy_drop": attr.string(doc = "The most accuracy that may be lost against the baseline, such as `0.005`."),
    "metrics": attr.string_list(doc = "Set by the macro."),
    "metrics_plugins": attr.label_list(providers = [PluginInfo], doc = "Set by the macro."),
    "min_accuracy": attr.string(doc = "The least accuracy, such as `0.97`."),
    "min_agreement": attr.string(doc = "The least share of samples on which artifact and baseline give the same answer."),
}

def _evaluated(ctx, attribute, target):
    if MetricsInfo not in target:
        fail(message(attribute, ctx.label, "{} was never evaluated".format(target[ModelInfo].label), "Give it a dataset"))
    return target[MetricsInfo]

def _lepton_accuracy_test_impl(ctx):
    budgets = {
        name: check_budget(ctx, name, maximum = 1, positive = name != "max_accuracy_drop")
        for name in ["max_accuracy_drop", "min_accuracy", "min_agreement"]
    }
    given = require_budgets(ctx, budgets)
    require_baseline(ctx, ctx.attr.baseline, budgets, ["max_accuracy_drop", "min_agreement"])
    model = ctx.attr.artifact[ModelInfo]
    evaluated = _evaluated(ctx, "artifact", ctx.attr.artifact)
    metrics = decode_components(ctx, ctx.attr.metrics_plugins, ctx.attr.metrics, ["metric"])
    args = ctx.actions.args()
    args.add("--artifact_label=" + model.label)
    args.add(model.manifest, format = "--manifest=%s")
    inputs = [model.manifest]
    baseline_predictions = None
    if ctx.attr.baseline:
        baseline = ctx.attr.baseline[ModelInfo]
        baseline_evaluated = _evaluated(ctx, "baseline", ctx.attr.baseline)
        split = evaluated.dataset.splits[evaluated.dataset.evaluation_split]
        if split != baseline_evaluated.dataset.splits[baseline_evaluated.dataset.evaluation_split]:
            fail(message("baseline", ctx.label, "{} is evaluated on {}, and {} on {}".format(
                model.label,
                evaluated.dataset.label,
                baseline.label,
                baseline_evaluated.dataset.label,
            ), "Give both artifacts the same dataset"))
        baseline_predictions = baseline_evaluated.predictions
        args.add("--baseline_label=" + baseline.label)
        args.add(baseline_evaluated.metrics, format = "--baseline_metrics=%s")
        args.add(baseline.manifest, format = "--baseline_manifest=%s")
        inputs += [baseline_evaluated.metrics, baseline.manifest]
    result = measure(
        ctx,
        model,
        evaluated.dataset,
        evaluated.predictions,
        [m for m in metrics if baseline_predictions or not m.descriptor["needs_baseline"]],
        baseline = baseline_predictions,
    )
    args.add(result, format = "--metrics=%s")
    args.add_all(given, format_each = "--budget=%s")
    return verdict_test(ctx, kind = "accuracy", args = args, inputs = inputs + [result])

_lepton_accuracy_test = rule(
    implementation = _lepton_accuracy_test_impl,
    doc = _DOC,
    attrs = _ATTRS,
    test = True,
)

def lepton_accuracy_test(name, artifact, baseline = None, min_accuracy = None, max_accuracy_drop = None, min_agreement = None, size = "small", **kwargs):
    """Holds an artifact's accuracy to budgets.

    Args:
      name: the test's name, by custom `<artifact>_accuracy_test`.
      artifact: a lepton_artifact with a dataset.
      baseline: the lepton_artifact that max_accuracy_drop and min_agreement are relative to.
      min_accuracy: the least accuracy, a fraction of 1.
      max_accuracy_drop: the most accuracy that may be lost against the baseline.
      min_agreement: the least share of samples on which both give the same answer.
      size: Bazel's size of the test.
      **kwargs: Bazel's attributes of tests.
    """
    components = component_attributes("metrics", name, [ACCURACY, AGREEMENT])
    _lepton_accuracy_test(
        name = name,
        size = size,
        artifact = artifact,
        baseline = baseline,
        min_accuracy = decimal(min_accuracy),
        max_accuracy_drop = decimal(max_accuracy_drop),
        min_agreement = decimal(min_agreement),
        metrics = components.json,
        metrics_plugins = components.plugins,
        **kwargs
    )
