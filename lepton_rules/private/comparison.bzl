"""What two models answer on the same samples, compared by an action: for tests of compatibility and of parity."""

load("//lepton_rules/private/providers:dataset_info.bzl", "DatasetInfo")
load("//lepton_rules/private/providers:metrics_info.bzl", "MetricsInfo")
load("//lepton_rules/private/providers:model_info.bzl", "ModelInfo")
load("//lepton_rules/private/providers:run_settings_info.bzl", "RunSettingsInfo")
load(":budget.bzl", "DIFFERENCE_BUDGETS", "LARGEST", "check_limit", "decimal")
load(":evaluate.bzl", "evaluate")
load(":messages.bzl", "display_label", "message")

COMPARISON_ATTRS = {
    "dataset": attr.label(providers = [DatasetInfo], doc = "The data whose evaluation split both answer. Default: the artifact's own."),
    "max_absolute_difference": attr.string(doc = "The most by which any element of any output may differ from the baseline's."),
    "max_relative_difference": attr.string(doc = "The same as a fraction of the largest element of the baseline's output for that sample, such as `0.01`."),
    "min_agreement": attr.string(doc = "The least share of samples with the same answer: the same class where an output has scores, else equal elements."),
    "_comparison": attr.label(default = "//lepton_rules/measure:comparison.py", allow_single_file = True),
}

def difference_attributes(max_absolute_difference, max_relative_difference, min_agreement):
    """A macro's budgets as attributes.

    Args:
      max_absolute_difference: number, string or None.
      max_relative_difference: number, string or None.
      min_agreement: number, string or None.

    Returns:
      dict of attribute to string.
    """
    return {
        "max_absolute_difference": decimal(max_absolute_difference),
        "max_relative_difference": decimal(max_relative_difference),
        "min_agreement": decimal(min_agreement),
    }

def difference_budgets(ctx):
    """The budgets that are set, checked.

    Args:
      ctx: the rule's context; the rule has COMPARISON_ATTRS.

    Returns:
      list of `name=limit`.
    """
    found = []
    for name in DIFFERENCE_BUDGETS:
        limit = check_limit(ctx.label, name, getattr(ctx.attr, name), maximum = LARGEST.get(name), positive = name == "min_agreement")
        if limit != None:
            found.append("{}={}".format(name, limit))
    return found

def _dataset(ctx, attribute, target):
    if ctx.attr.dataset:
        dataset = ctx.attr.dataset[DatasetInfo]
        if not dataset.evaluation_split:
            fail(message("dataset", ctx.label, "{} has no evaluation split".format(dataset.label), "Name one in it"))
        return dataset
    if MetricsInfo not in target:
        fail(message(attribute, ctx.label, "{} has no dataset to answer".format(target[ModelInfo].label), "Give it one, or set dataset"))
    return target[MetricsInfo].dataset

def _predictions(ctx, target, dataset, hardware, name):
    """The target's own predictions where they are of this dataset, else an action's."""
    if MetricsInfo in target:
        evaluated = target[MetricsInfo]
        if evaluated.dataset.splits[evaluated.dataset.evaluation_split] == dataset.splits[dataset.evaluation_split]:
            return evaluated.predictions
    model = target[ModelInfo]
    return evaluate(
        ctx,
        struct(label = model.label, directory = model.directory, manifest = model.manifest, hardware = model.hardware or hardware),
        dataset,
        name = name,
    )

def compare(ctx, attribute, target, baseline):
    """Declares the action that compares, and those that answer.

    Args:
      ctx: the rule's context; the rule has COMPARISON_ATTRS and GATE_ATTRS.
      attribute: string: the attribute that names the target.
      target: Target with ModelInfo.
      baseline: Target with ModelInfo. Where it is for no chip, the target's runs it.

    Returns:
      File: comparison.json.
    """
    model, other = target[ModelInfo], baseline[ModelInfo]
    if not model.hardware:
        fail(message(attribute, ctx.label, "{} is for no chip, so nothing runs it".format(model.label), "Name a lepton_artifact"))
    if model.directory == other.directory:
        fail(message("baseline", ctx.label, "it is {} itself".format(model.label), "Name another model"))
    if not other.hardware and other.format not in model.hardware.accepts:
        fail(message("baseline", ctx.label, "{} is for no chip, and {} takes no {}".format(
            other.label,
            model.hardware.label,
            other.format,
        ), "Name a lepton_artifact"))
    dataset = _dataset(ctx, attribute, target)
    predictions = _predictions(ctx, target, dataset, None, "predictions.npz")
    against = _predictions(ctx, baseline, dataset, model.hardware, "baseline_predictions.npz")
    comparison = ctx.actions.declare_file(ctx.label.name + "/comparison.json")
    args = ctx.actions.args()
    args.add(ctx.file._comparison)
    args.add("--label=" + display_label(ctx.label))
    args.add(predictions, format = "--predictions=%s")
    args.add(against, format = "--baseline_predictions=%s")
    args.add(comparison, format = "--output_comparison=%s")
    settings = ctx.attr._run[RunSettingsInfo]

    # The runtime gave numpy's arrays, so its environment has numpy.
    environment = model.hardware.plugin.environment
    ctx.actions.run(
        executable = environment.launcher,
        arguments = [args],
        tools = [environment.key, environment.launcher],
        inputs = depset([predictions, against, environment.directory], transitive = [settings.sources]),
        outputs = [comparison],
        env = settings.environment,
        mnemonic = "LeptonCompare",
        progress_message = "Lepton compare %{label}",
        toolchain = None,
    )
    return comparison
