"""lepton_size_test: an artifact's bytes against a budget."""

load("//lepton_rules/private/providers:model_info.bzl", "ModelInfo")
load(":budget.bzl", "check_budget", "decimal", "require_baseline", "require_budgets")
load(":gate_settings.bzl", "GATE_ATTRS")
load(":verdict.bzl", "verdict_test")

_DOC = """Holds the bytes of an artifact's files to a budget. Reads manifests only."""

_ATTRS = GATE_ATTRS | {
    "artifact": attr.label(mandatory = True, providers = [ModelInfo], doc = "The artifact."),
    "baseline": attr.label(providers = [ModelInfo], doc = "The artifact or model that max_size_ratio is relative to."),
    "max_size_bytes": attr.string(doc = "The most bytes that the artifact's files may have."),
    "max_size_ratio": attr.string(doc = "The most that the artifact may have of the baseline's bytes, such as `0.27`."),
}

def _lepton_size_test_impl(ctx):
    budgets = {
        "max_size_bytes": check_budget(ctx, "max_size_bytes", whole = True),
        "max_size_ratio": check_budget(ctx, "max_size_ratio", maximum = 10),
    }
    given = require_budgets(ctx, budgets)
    require_baseline(ctx, ctx.attr.baseline, budgets, ["max_size_ratio"])
    model = ctx.attr.artifact[ModelInfo]
    args = ctx.actions.args()
    args.add("--artifact_label=" + model.label)
    args.add(model.manifest, format = "--manifest=%s")
    inputs = [model.manifest]
    if ctx.attr.baseline:
        baseline = ctx.attr.baseline[ModelInfo]
        args.add("--baseline_label=" + baseline.label)
        args.add(baseline.manifest, format = "--baseline_manifest=%s")
        inputs.append(baseline.manifest)
    args.add_all(given, format_each = "--budget=%s")
    return verdict_test(ctx, kind = "size", args = args, inputs = inputs)

_lepton_size_test = rule(
    implementation = _lepton_size_test_impl,
    doc = _DOC,
    attrs = _ATTRS,
    test = True,
)

def lepton_size_test(name, artifact, baseline = None, max_size_bytes = None, max_size_ratio = None, size = "small", **kwargs):
    """Holds an artifact's size to a budget.

    Args:
      name: the test's name, by custom `<artifact>_size_test`.
      artifact: a lepton_artifact or lepton_model.
      baseline: what max_size_ratio is relative to.
      max_size_bytes: the most bytes that the artifact's files may have.
      max_size_ratio: the most that the artifact may have of the baseline's bytes, such as 0.27.
      size: Bazel's size of the test.
      **kwargs: Bazel's attributes of tests.
    """
    _lepton_size_test(
        name = name,
        size = size,
        artifact = artifact,
        baseline = baseline,
        max_size_bytes = decimal(max_size_bytes),
        max_size_ratio = decimal(max_size_ratio),
        **kwargs
    )
