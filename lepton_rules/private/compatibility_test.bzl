"""lepton_compatibility_test: a new version may stand where an older one does."""

load("//lepton_rules/private/providers:model_info.bzl", "ModelInfo")
load(":budget.bzl", "DIFFERENCE_BUDGETS")
load(":comparison.bzl", "COMPARISON_ATTRS", "compare", "difference_attributes", "difference_budgets")
load(":gate_settings.bzl", "GATE_ATTRS")
load(":messages.bzl", "display_label", "message")
load(":verdict.bzl", "verdict_test")

_DOC = """Fails when a new version of a model breaks who was made for an older one: by its signature, or by its answers.

The signature is judged from the two manifests. The answers are made by build actions on the runtime's deterministic CPU
reference, so the test is cached and runs anywhere.
"""

_ATTRS = GATE_ATTRS | COMPARISON_ATTRS | {
    "baseline": attr.label(mandatory = True, allow_files = [".json"], doc = "The older version: an artifact, a release, or the manifest.json of one, which only tells its signature."),
    "baseline_digest": attr.string(doc = "`sha256:` and 64 hexadecimal digits: the digest in the baseline's manifest. Any other baseline is an error."),
    "model": attr.label(mandatory = True, providers = [ModelInfo], doc = "The new version."),
}

_HEX = "0123456789abcdef"

def _check_digest(ctx):
    digest = ctx.attr.baseline_digest
    digits = digest.removeprefix("sha256:")
    if digest and (digits == digest or len(digits) != 64 or digits.strip(_HEX)):
        fail(message("baseline_digest", ctx.label, "{} is not sha256: and 64 hexadecimal digits".format(repr(digest)), "Copy it from the baseline's manifest"))

def _baseline(ctx):
    """struct(label, manifest, target with ModelInfo or None)."""
    target = ctx.attr.baseline
    if ModelInfo in target:
        return struct(label = target[ModelInfo].label, manifest = target[ModelInfo].manifest, target = target)
    if len(ctx.files.baseline) != 1:
        fail(message("baseline", ctx.label, "{} is no model, and has {} files".format(display_label(target.label), len(ctx.files.baseline)), "Name a lepton_artifact, a lepton_release, or one manifest.json"))
    if not ctx.attr.baseline_digest:
        fail(message("baseline_digest", ctx.label, "{} is a file, and nothing says which release it is of".format(display_label(target.label)), "Set baseline_digest to the digest in it"))
    return struct(label = display_label(target.label), manifest = ctx.files.baseline[0], target = None)

def _lepton_compatibility_test_impl(ctx):
    _check_digest(ctx)
    given = difference_budgets(ctx)
    model, baseline = ctx.attr.model[ModelInfo], _baseline(ctx)
    inputs = [model.manifest, baseline.manifest]
    args = ctx.actions.args()
    args.add("--artifact_label=" + model.label)
    args.add(model.manifest, format = "--manifest=%s")
    args.add("--baseline_label=" + baseline.label)
    args.add(baseline.manifest, format = "--baseline_manifest=%s")
    args.add("--baseline_digest=" + ctx.attr.baseline_digest)
    if not baseline.target:
        if given or ctx.attr.dataset:
            what = given[0].partition("=")[0] if given else "dataset"
            fail(message(what, ctx.label, "{} is a manifest, which gives no answers".format(baseline.label), "Name the model as baseline, or remove {}".format(what)))
    elif not given:
        fail(message("budgets", ctx.label, "none is set, so any answer would do", "Set one of {}, or give only the baseline's manifest.json to compare signatures".format(", ".join(DIFFERENCE_BUDGETS))))
    else:
        comparison = compare(ctx, "model", ctx.attr.model, baseline.target)
        args.add(comparison, format = "--comparison=%s")
        args.add_all(given, format_each = "--budget=%s")
        inputs.append(comparison)
    return verdict_test(ctx, kind = "compatibility", args = args, inputs = inputs)

_lepton_compatibility_test = rule(
    implementation = _lepton_compatibility_test_impl,
    doc = _DOC,
    attrs = _ATTRS,
    test = True,
)

def lepton_compatibility_test(
        name,
        model,
        baseline,
        baseline_digest = None,
        dataset = None,
        max_absolute_difference = None,
        max_relative_difference = None,
        min_agreement = None,
        size = "small",
        **kwargs):
    """Fails when a new version of a model breaks who was made for an older one: by its signature, or by its answers.

    Args:
      name: the test's name, by custom `<model>_compatibility_test`.
      model: the new version, a lepton_artifact.
      baseline: the older version: a lepton_artifact, a lepton_release, or the manifest.json of one, which only tells its signature.
      baseline_digest: `sha256:` and 64 hexadecimal digits: the digest in the baseline's manifest. Any other baseline is an error. Needed where
        the baseline is a file.
      dataset: the lepton_dataset whose evaluation split both answer. Default: the model's own.
      max_absolute_difference: the most by which any element of any output may differ; 0 asks for the same bits.
      max_relative_difference: the same as a fraction of the largest element of the baseline's output for that sample.
      min_agreement: the least share of samples with the same answer: the same class where an output has scores, else equal elements.
      size: Bazel's size of the test.
      **kwargs: Bazel's attributes of tests.
    """
    _lepton_compatibility_test(
        name = name,
        size = size,
        model = model,
        baseline = baseline,
        baseline_digest = baseline_digest,
        dataset = dataset,
        **(difference_attributes(max_absolute_difference, max_relative_difference, min_agreement) | kwargs)
    )
