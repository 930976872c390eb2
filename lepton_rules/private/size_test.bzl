"""lepton_size_test: an artifact's bytes against a budget."""

load("//lepton_rules/private/providers:gate_settings_info.bzl", "GateSettingsInfo")
load("//lepton_rules/private/providers:image_info.bzl", "ImageInfo")
load("//lepton_rules/private/providers:model_info.bzl", "ModelInfo")
load("//lepton_rules/private/providers:run_settings_info.bzl", "RunSettingsInfo")
load(":budget.bzl", "SIZE_BUDGETS", "check_budgets", "decimal", "require_baseline", "require_budgets")
load(":gate_settings.bzl", "GATE_ATTRS")
load(":messages.bzl", "message")
load(":run.bzl", "directory_flag")
load(":verdict.bzl", "verdict_test")

_DOC = """Holds the bytes of an artifact's files, compressed or in an image, to a budget.

Files and images are measured by what their manifests say; only a budget on compressed bytes reads weights.
"""

_ATTRS = GATE_ATTRS | {
    "artifact": attr.label(mandatory = True, providers = [ModelInfo], doc = "The artifact."),
    "baseline": attr.label(providers = [ModelInfo], doc = "The artifact, model or release that ratios are relative to."),
    "image": attr.label(providers = [ImageInfo], doc = "The image that max_image_size_bytes is about: one of this artifact."),
    "max_compressed_size_bytes": attr.string(doc = "The most bytes that the artifact's files may have after `gzip -6`, as a registry stores a layer."),
    "max_compressed_size_ratio": attr.string(doc = "The most that they may have of the baseline's compressed bytes."),
    "max_image_size_bytes": attr.string(doc = "The most bytes that a pull of the image moves: its layers as they are stored, its configuration and its manifest."),
    "max_size_bytes": attr.string(doc = "The most bytes that the artifact's files may have."),
    "max_size_ratio": attr.string(doc = "The most that the artifact may have of the baseline's bytes, such as `0.27`."),
}

def _compressed(ctx, model, name):
    """The file that tells how many bytes a model has when it is compressed."""
    settings = ctx.attr._run[RunSettingsInfo]
    gates = ctx.attr._run[GateSettingsInfo]
    environment = gates.exec_core
    result = ctx.actions.declare_file("{}.{}.json".format(ctx.label.name, name))
    args = ctx.actions.args()
    args.add(gates.programs["compressed_size"])
    directory_flag(args, "model", model.directory)
    args.add(result, format = "--output=%s")
    ctx.actions.run(
        executable = environment.launcher,
        arguments = [args],
        tools = [environment.key, environment.launcher],
        inputs = depset([model.directory, environment.directory], transitive = [settings.sources]),
        outputs = [result],
        env = settings.environment,
        mnemonic = "LeptonCompressedSize",
        progress_message = "Lepton compressed size %{label}",
        toolchain = None,
    )
    return result

def _image_manifest(ctx, model):
    if not ctx.attr.image:
        fail(message("max_image_size_bytes", ctx.label, "it is about an image, and there is none", "Set image to a lepton_image of the artifact"))
    image = ctx.attr.image[ImageInfo]
    if image.model_manifest != model.manifest:
        fail(message("image", ctx.label, "{} holds another model than {}".format(image.label, model.label), "Name an image of this artifact"))
    return image.manifest

def _lepton_size_test_impl(ctx):
    budgets = check_budgets(ctx, SIZE_BUDGETS)
    given = require_budgets(ctx, budgets)
    require_baseline(ctx, ctx.attr.baseline, budgets, ["max_size_ratio", "max_compressed_size_ratio"])
    model = ctx.attr.artifact[ModelInfo]
    args = ctx.actions.args()
    args.add("--artifact_label=" + model.label)
    args.add(model.manifest, format = "--manifest=%s")
    inputs = [model.manifest]
    compressed = budgets["max_compressed_size_bytes"] or budgets["max_compressed_size_ratio"]
    if compressed:
        inputs.append(_compressed(ctx, model, "compressed"))
        args.add(inputs[-1], format = "--compressed=%s")
    if budgets["max_image_size_bytes"]:
        inputs.append(_image_manifest(ctx, model))
        args.add(inputs[-1], format = "--image=%s")
    elif ctx.attr.image:
        fail(message("image", ctx.label, "no budget is about it", "Set max_image_size_bytes, or remove image"))
    if ctx.attr.baseline:
        baseline = ctx.attr.baseline[ModelInfo]
        args.add("--baseline_label=" + baseline.label)
        args.add(baseline.manifest, format = "--baseline_manifest=%s")
        inputs.append(baseline.manifest)
        if budgets["max_compressed_size_ratio"]:
            inputs.append(_compressed(ctx, baseline, "baseline_compressed"))
            args.add(inputs[-1], format = "--baseline_compressed=%s")
    args.add_all(given, format_each = "--budget=%s")
    return verdict_test(ctx, kind = "size", args = args, inputs = inputs)

_lepton_size_test = rule(
    implementation = _lepton_size_test_impl,
    doc = _DOC,
    attrs = _ATTRS,
    test = True,
)

def lepton_size_test(
        name,
        artifact,
        baseline = None,
        image = None,
        max_size_bytes = None,
        max_size_ratio = None,
        max_compressed_size_bytes = None,
        max_compressed_size_ratio = None,
        max_image_size_bytes = None,
        size = "small",
        **kwargs):
    """Holds an artifact's size to a budget.

    Args:
      name: the test's name, by custom `<artifact>_size_test`.
      artifact: a lepton_artifact or lepton_model.
      baseline: what the ratios are relative to.
      image: the lepton_image that max_image_size_bytes is about.
      max_size_bytes: the most bytes that the artifact's files may have.
      max_size_ratio: the most that the artifact may have of the baseline's bytes, such as 0.27.
      max_compressed_size_bytes: the most bytes that the artifact's files may have after `gzip -6`.
      max_compressed_size_ratio: the most that they may have of the baseline's compressed bytes.
      max_image_size_bytes: the most bytes that a pull of the image moves.
      size: Bazel's size of the test.
      **kwargs: Bazel's attributes of tests.
    """
    _lepton_size_test(
        name = name,
        size = size,
        artifact = artifact,
        baseline = baseline,
        image = image,
        max_compressed_size_bytes = decimal(max_compressed_size_bytes),
        max_compressed_size_ratio = decimal(max_compressed_size_ratio),
        max_image_size_bytes = decimal(max_image_size_bytes),
        max_size_bytes = decimal(max_size_bytes),
        max_size_ratio = decimal(max_size_ratio),
        **kwargs
    )
