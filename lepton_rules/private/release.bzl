"""lepton_release: a model that was released, named by its digest."""

load("//lepton_rules/private/providers:dataset_info.bzl", "DatasetInfo")
load("//lepton_rules/private/providers:gate_settings_info.bzl", "GateSettingsInfo")
load("//lepton_rules/private/providers:hardware_info.bzl", "HardwareInfo")
load("//lepton_rules/private/providers:metrics_info.bzl", "MetricsInfo")
load("//lepton_rules/private/providers:model_info.bzl", "ModelInfo")
load("//lepton_rules/private/providers:run_settings_info.bzl", "RunSettingsInfo")
load(":components.bzl", "component_attributes", "decode_components")
load(":evaluate.bzl", "ACCURACY", "evaluate", "measure", "metric_key")
load(":gate_settings.bzl", "GATE_ATTRS")
load(":messages.bzl", "display_label", "message")
load(":model_files.bzl", "declare_model", "model_flags", "model_providers")

_DOC = """A model that was released: its files and its manifest, as a build exported them, held to the digest that names them.

It is a baseline like any artifact: what is in production today, however the recipe that made it has changed since.
"""

_ATTRS = GATE_ATTRS | {
    "dataset": attr.label(providers = [DatasetInfo], doc = "The data whose evaluation split it is measured on, where it is a baseline of accuracy."),
    "digest": attr.string(mandatory = True, doc = "`sha256:` and 64 hexadecimal digits: the digest in its manifest, as `<artifact>.summary` prints it."),
    "format": attr.string(doc = "The model's format. Default: the first that the hardware accepts."),
    "hardware": attr.label(mandatory = True, providers = [HardwareInfo], doc = "The chip that it was made for."),
    "manifest": attr.label(mandatory = True, allow_single_file = [".json"], doc = "Its manifest.json."),
    "metrics": attr.string_list(doc = "Set by the macro."),
    "metrics_plugins": attr.label_list(doc = "Set by the macro."),
    "model": attr.label_list(mandatory = True, allow_files = True, doc = "Its files: below a folder `model` beside the manifest they keep their path, others their name. Or that folder."),
}

_HEX = "0123456789abcdef"

def _is_digest(text):
    digits = text.removeprefix("sha256:")
    return text != digits and len(digits) == 64 and not digits.strip(_HEX)

def _lepton_release_impl(ctx):
    if not _is_digest(ctx.attr.digest):
        fail(message("digest", ctx.label, "{} is not sha256: and 64 hexadecimal digits".format(repr(ctx.attr.digest)), "Copy it from the release's manifest"))
    hardware = ctx.attr.hardware[HardwareInfo]
    settings = ctx.attr._run[RunSettingsInfo]
    gates = ctx.attr._run[GateSettingsInfo]
    environment = gates.exec_core
    manifest = ctx.file.manifest
    format = ctx.attr.format or hardware.accepts[0]
    files = declare_model(ctx, ctx.label.name)
    args = ctx.actions.args()
    args.add(gates.programs["release_action"])
    args.add_all([
        "--label=" + display_label(ctx.label),
        "--digest=" + ctx.attr.digest,
        "--format=" + format,
        "--target=" + hardware.target,
    ])
    args.add(manifest, format = "--manifest=%s")
    folder = manifest.dirname + "/model/"
    for file in ctx.files.model:
        if file.is_directory:
            args.add_all([file], expand_directories = False, format_each = "--directory=%s")
        else:
            name = file.path[len(folder):] if file.path.startswith(folder) else file.basename
            args.add(file, format = "--file={}=%s".format(name.replace("%", "%%")))
    args.add_all([files], map_each = model_flags)
    ctx.actions.run(
        executable = environment.launcher,
        arguments = [args],
        tools = [environment.key, environment.launcher],
        inputs = depset([manifest, environment.directory] + ctx.files.model, transitive = [settings.sources]),
        outputs = files.all,
        env = settings.environment,
        mnemonic = "LeptonRelease",
        progress_message = "Lepton release %{label}",
        toolchain = None,
    )
    info = ModelInfo(
        label = display_label(ctx.label),
        format = format,
        directory = files.directory,
        manifest = files.manifest,
        weights_digest = files.weights_digest,
        plugins = [hardware.plugin],
        hardware = hardware,
        steps = [struct(name = "release", directory = files.directory, manifest = files.manifest, weights_digest = files.weights_digest)],
    )
    others = []
    if ctx.attr.dataset:
        dataset = ctx.attr.dataset[DatasetInfo]
        if not dataset.evaluation_split:
            fail(message("dataset", ctx.label, "{} has no evaluation split".format(dataset.label), "Name one in it, or leave dataset out"))
        metrics = [
            metric
            for metric in decode_components(ctx, ctx.attr.metrics_plugins, ctx.attr.metrics, ["metric"])
            if not metric.descriptor["needs_baseline"]
        ]
        predictions = evaluate(ctx, info, dataset)
        others.append(MetricsInfo(
            predictions = predictions,
            metrics = measure(ctx, info, dataset, predictions, metrics),
            computed = [metric_key(metric) for metric in metrics],
            dataset = dataset,
        ))
    return model_providers(info, others)

_lepton_release = rule(
    implementation = _lepton_release_impl,
    doc = _DOC,
    attrs = _ATTRS,
)

def lepton_release(name, digest, manifest, model, hardware, dataset = None, metrics = None, **kwargs):
    """A model that was released, named by its digest.

    Args:
      name: the target's name.
      digest: `sha256:` and 64 hexadecimal digits: the digest in its manifest. Files of another are refused.
      manifest: its manifest.json.
      model: list of its files, below a folder `model` beside the manifest; or a target that gives them.
      hardware: the lepton_hardware that it was made for.
      dataset: the lepton_dataset whose evaluation split it is measured on, where it is a baseline of accuracy.
      metrics: list of metrics to compute on that. Default: accuracy.
      **kwargs: Bazel's common attributes, and `format`: the model's (the first that the hardware accepts).
    """
    if metrics == None:
        metrics = [ACCURACY] if dataset else []
    components = component_attributes("metrics", name, metrics)
    _lepton_release(
        name = name,
        digest = digest,
        manifest = manifest,
        model = model,
        hardware = hardware,
        dataset = dataset,
        metrics = components.json,
        metrics_plugins = components.plugins,
        **kwargs
    )
