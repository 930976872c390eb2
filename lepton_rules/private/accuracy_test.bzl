"""lepton_accuracy_test: an artifact's metrics against budgets."""

load("//lepton_rules/private/providers:gate_settings_info.bzl", "GateSettingsInfo")
load("//lepton_rules/private/providers:metrics_info.bzl", "MetricsInfo")
load("//lepton_rules/private/providers:model_info.bzl", "ModelInfo")
load("//lepton_rules/private/providers:run_settings_info.bzl", "RunSettingsInfo")
load(":budget.bzl", "check_limit", "decimal", "require_baseline")
load(":evaluate.bzl", "measure", "metric_key")
load(":gate_settings.bzl", "GATE_ATTRS")
load(":messages.bzl", "display_label", "message")
load(":metric_budgets.bzl", "METRIC_BUDGET_ATTRS", "is_metric_budget", "metric_budget_attributes", "metric_budgets")
load(":verdict.bzl", "verdict_test")

_DOC = """Holds metrics of an artifact on its dataset's evaluation split to budgets.

The predictions are made and measured by build actions, on the runtime's deterministic CPU reference. So the test is
cached, runs anywhere, and compares a few numbers. Each comes with a confidence interval.
"""

_ATTRS = GATE_ATTRS | METRIC_BUDGET_ATTRS | {
    "artifact": attr.label(mandatory = True, providers = [ModelInfo], doc = "An artifact with a dataset."),
    "baseline": attr.label(providers = [ModelInfo], doc = "The artifact that relative budgets compare with."),
    "confidence": attr.string(doc = "Where it is set, such as `0.95`: a budget is kept or broken when the whole interval is, and otherwise not proven."),
}

def _evaluated(ctx, attribute, target):
    if MetricsInfo not in target:
        fail(message(attribute, ctx.label, "{} was never evaluated".format(target[ModelInfo].label), "Give it a dataset"))
    return target[MetricsInfo]

def _by_plugin(metrics):
    plugins = {}
    for metric in metrics:
        plugins.setdefault(metric.plugin.label, []).append(metric)
    return plugins.values()

def _measured(ctx, model, evaluated, metrics, prefix, baseline = None):
    """The metrics files of a model: one for each plugin that metrics come from."""
    return [
        measure(
            ctx,
            model,
            evaluated.dataset,
            evaluated.predictions,
            group,
            baseline = baseline if [metric for metric in group if metric.descriptor["needs_baseline"]] else None,
            name = "{}{}.json".format(prefix, "_{}".format(number) if number else ""),
        )
        for number, group in enumerate(_by_plugin(metrics))
    ]

def _interval_flags(told):
    # Called when they are written, not at analysis.
    label, group, confidence, split, predictions, baseline, file = told
    plugin = group[0].plugin
    return [
        "--label=" + display_label(label),
        "--plugin=" + plugin.name,
        "--plugin_entry=" + plugin.entry,
        "--metrics=" + json.encode([{"config": metric.config, "name": metric.name} for metric in group]),
        "--confidence=" + (confidence or "0.95"),
    ] + ["--python_path=" + root for root in plugin.roots] + [
        "--dataset=" + split.path,
        "--predictions=" + predictions.path,
    ] + (["--baseline_predictions=" + baseline.path] if baseline else []) + ["--output=" + file.path]

def _intervals(ctx, evaluated, metrics, baseline, confidence):
    """The files of intervals: one for each plugin that metrics come from."""
    settings = ctx.attr._run[RunSettingsInfo]
    program = ctx.attr._run[GateSettingsInfo].programs["interval_action"]
    split = evaluated.dataset.splits[evaluated.dataset.evaluation_split]
    files = []
    for number, group in enumerate(_by_plugin(metrics)):
        plugin = group[0].plugin
        environment = plugin.environment
        file = ctx.actions.declare_file("{}/intervals{}.json".format(ctx.label.name, "_{}".format(number) if number else ""))
        args = ctx.actions.args()
        args.add(program)
        args.add_all([(ctx.label, group, confidence, split, evaluated.predictions, baseline, file)], map_each = _interval_flags)
        inputs = [split, evaluated.predictions, environment.directory] + ([baseline] if baseline else [])
        ctx.actions.run(
            executable = environment.launcher,
            arguments = [args],
            tools = [environment.key, environment.launcher],
            inputs = depset(inputs, transitive = [settings.sources, plugin.sources]),
            outputs = [file],
            env = settings.environment,
            mnemonic = "LeptonIntervals",
            progress_message = "Lepton intervals %{label}",
            toolchain = None,
        )
        files.append(file)
    return files

def _against(ctx, model, evaluated):
    """The baseline and its evaluation, on the artifact's own samples."""
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
    return baseline, baseline_evaluated

def _lepton_accuracy_test_impl(ctx):
    budgets = metric_budgets(ctx)
    if budgets.relative:
        require_baseline(ctx, ctx.attr.baseline, {budgets.relative: ""}, [budgets.relative])
    model = ctx.attr.artifact[ModelInfo]
    evaluated = _evaluated(ctx, "artifact", ctx.attr.artifact)
    args = ctx.actions.args()
    args.add("--artifact_label=" + model.label)
    args.add(model.manifest, format = "--manifest=%s")
    inputs = [model.manifest]
    predictions = None
    if budgets.relative:
        baseline, baseline_evaluated = _against(ctx, model, evaluated)
        predictions = baseline_evaluated.predictions
        files = [baseline_evaluated.metrics]
        missing = [metric for metric in budgets.changes if metric_key(metric) not in baseline_evaluated.computed]
        files += _measured(ctx, baseline, baseline_evaluated, missing, "baseline_metrics")
        args.add("--baseline_label=" + baseline.label)
        args.add_all(files, format_each = "--baseline_metrics=%s")
        args.add(baseline.manifest, format = "--baseline_manifest=%s")
        inputs += files + [baseline.manifest]
    metrics = [metric for metric in budgets.metrics if predictions or not metric.descriptor["needs_baseline"]]
    results = _measured(ctx, model, evaluated, metrics, "metrics", baseline = predictions)
    args.add_all(results, format_each = "--metrics=%s")
    args.add_all(budgets.given, format_each = "--budget=%s")
    args.add_all(budgets.largest, format_each = "--largest=%s")
    confidence = check_limit(ctx.label, "confidence", ctx.attr.confidence, maximum = 1)
    if confidence != None:
        if float(confidence) == 1.0:
            fail(message("confidence", ctx.label, "1 is certainty, which samples never give", "Give for example 0.95"))
        args.add("--confidence=" + confidence)
    intervals = _intervals(ctx, evaluated, metrics, predictions, confidence)
    args.add_all(intervals, format_each = "--intervals=%s")
    return verdict_test(ctx, kind = "accuracy", args = args, inputs = inputs + results + intervals)

_lepton_accuracy_test = rule(
    implementation = _lepton_accuracy_test_impl,
    doc = _DOC,
    attrs = _ATTRS,
    test = True,
)

def lepton_accuracy_test(name, artifact, baseline = None, metrics = None, confidence = None, size = "small", **kwargs):
    """Holds metrics of an artifact to budgets.

    A budget is an argument called after its metric: `min_<metric>` and `max_<metric>_drop` where higher is better,
    `max_<metric>` and `max_<metric>_rise` where lower is. So `min_accuracy = 0.97` is the least accuracy, and
    `max_accuracy_drop = 0.005` the most of it that may be lost against the baseline; `max_accuracy_drop_ratio` is that as a
    fraction of the baseline's. A metric that itself compares two
    models, such as agreement, takes the first form.

    Args:
      name: the test's name, by custom `<artifact>_accuracy_test`.
      artifact: a lepton_artifact with a dataset.
      baseline: the lepton_artifact that relative budgets compare with.
      metrics: list of metrics to measure, such as `[metrics.accuracy(output = "logits")]`. Needed for those with options and those of
        other plugins; the others are metrics of //plugins/metrics with their defaults.
      confidence: where it is set, such as 0.95, a budget is kept or broken only when the whole confidence interval is, and is
        otherwise NOT PROVEN: the dataset is too small to tell. Where it is not, the values themselves are compared.
      size: Bazel's size of the test.
      **kwargs: the budgets, and Bazel's attributes of tests.
    """
    budgets = {key: value for key, value in kwargs.items() if is_metric_budget(key)}
    attributes = {key: value for key, value in kwargs.items() if not is_metric_budget(key)}
    _lepton_accuracy_test(
        name = name,
        size = size,
        artifact = artifact,
        baseline = baseline,
        confidence = decimal(confidence),
        **(metric_budget_attributes(name, budgets, metrics) | attributes)
    )
