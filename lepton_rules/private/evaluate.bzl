"""Predictions and metrics: accuracy is computed by actions, so it is cached and runs anywhere."""

load("//lepton_rules:pass.bzl", "lepton_component")
load(":messages.bzl", "message")
load(":run.bzl", "lepton_run")

# What an artifact is measured with unless it says otherwise, without loading the plugin's passes.bzl: a user's own list
# comes from there.
ACCURACY = lepton_component(kind = "metric", plugin = Label("//plugins/metrics"), name = "accuracy", config = {})

# The flags of both actions are made when they are written, not at analysis.

def _evaluate_flags(told):
    model, split, predictions = told
    plugin = model.hardware.plugin
    config = plugin.descriptors["runtimes"][model.hardware.runtime]["config"]
    return [
        "--plugin=" + plugin.name,
        "--plugin_entry=" + plugin.entry,
        "--component=" + model.hardware.runtime,
        "--config=" + json.encode({name: field["default"] for name, field in config["fields"].items() if "default" in field}),
        "--config_version={}".format(config["version"]),
        "--hardware=" + model.hardware.facts,
        "--model=" + model.directory.path,
        "--model_manifest=" + model.manifest.path,
        "--dataset=" + split.path,
        "--output_predictions=" + predictions.path,
    ]

def _measure_flags(told):
    metrics, predictions, manifest, split, baseline, file = told
    plugin = metrics[0].plugin
    return [
        "--plugin=" + plugin.name,
        "--plugin_entry=" + plugin.entry,
        "--metrics=" + json.encode([{"config": metric.config, "name": metric.name} for metric in metrics]),
        "--predictions=" + predictions.path,
        "--model_manifest=" + manifest.path,
        "--dataset=" + split.path,
    ] + (["--baseline_predictions=" + baseline.path] if baseline else []) + ["--output_metrics=" + file.path]

def evaluate(ctx, model, dataset, name = "predictions.npz", again = False):
    """Declares the action that runs a model on the evaluation split with its runtime's deterministic CPU reference.

    Args:
      ctx: the rule's context; the rule has RUN_ATTRS.
      model: ModelInfo with hardware.
      dataset: DatasetInfo with an evaluation split.
      name: string: the file's name below the target's.
      again: bool: under another key; see lepton_run.

    Returns:
      File: npz of the outputs, one row a sample.
    """
    plugin = model.hardware.plugin
    split = dataset.splits[dataset.evaluation_split]
    predictions = ctx.actions.declare_file("{}/{}".format(ctx.label.name, name))
    args = ctx.actions.args()
    args.add_all([(model, split, predictions)], map_each = _evaluate_flags)
    lepton_run(
        ctx,
        action = "evaluate",
        environment = plugin.environment,
        args = args,
        inputs = [model.directory, model.manifest, split],
        outputs = [predictions],
        progress = "evaluate",
        preload = plugin.preload,
        roots = plugin.roots,
        sources = plugin.sources,
        again = again,
    )
    return predictions

def metric_key(metric):
    """What tells whether two measurements of one model are the same.

    Args:
      metric: a component of kind `metric`.

    Returns:
      string.
    """
    return json.encode([metric.plugin.label, metric.name, metric.config])

def measure(ctx, model, dataset, predictions, metrics, baseline = None, name = "metrics.json"):
    """Declares the action that computes metrics from predictions.

    Args:
      ctx: the rule's context; the rule has RUN_ATTRS.
      model: ModelInfo that made the predictions.
      dataset: DatasetInfo.
      predictions: File.
      metrics: list of components of kind `metric`, of one plugin.
      baseline: File or None: the baseline's predictions.
      name: string: the file's name below the target's.

    Returns:
      File: metrics.json.
    """
    if not metrics:
        fail(message("metrics", ctx.label, "there are none", "Name at least one, such as metrics.accuracy()"))
    plugin = metrics[0].plugin
    for metric in metrics:
        if metric.plugin.label != plugin.label:
            fail(message("metrics", ctx.label, "they come from {} and {}".format(plugin.label, metric.plugin.label), "Take the metrics of one target from one plugin"))
    file = ctx.actions.declare_file("{}/{}".format(ctx.label.name, name))
    split = dataset.splits[dataset.evaluation_split]
    args = ctx.actions.args()
    args.add_all([(metrics, predictions, model.manifest, split, baseline, file)], map_each = _measure_flags)
    lepton_run(
        ctx,
        action = "metrics",
        environment = plugin.environment,
        args = args,
        inputs = [predictions, split, model.manifest] + ([baseline] if baseline else []),
        outputs = [file],
        progress = "metrics",
        preload = plugin.preload,
        roots = plugin.roots,
        sources = plugin.sources,
    )
    return file
