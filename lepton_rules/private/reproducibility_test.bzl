"""lepton_reproducibility_test: an artifact's actions again, under other keys, must give the same bytes."""

load("//lepton_rules/private/providers:metrics_info.bzl", "MetricsInfo")
load("//lepton_rules/private/providers:model_info.bzl", "ModelInfo")
load(":evaluate.bzl", "evaluate")
load(":gate_settings.bzl", "GATE_ATTRS")
load(":messages.bzl", "message")
load(":step.bzl", "run_step")
load(":verdict.bzl", "verdict_test")

_DOC = """Runs each of an artifact's actions a second time, and holds the files that come out to those of the first.

The second time the hash seed, the output's path and the process are others: what a worker did is done by a process of its
own. Each action starts from what the first build made, so that what differs is its own. Training is not repeated; the
artifact's `.reproduce` builds everything again in another output base.
"""

_ATTRS = GATE_ATTRS | {
    "artifact": attr.label(mandatory = True, providers = [ModelInfo], doc = "A lepton_artifact."),
}

def _lepton_reproducibility_test_impl(ctx):
    model = ctx.attr.artifact[ModelInfo]
    args = ctx.actions.args()
    args.add("--artifact_label=" + model.label)
    args.add(model.manifest, format = "--manifest=%s")
    args.add("--budget=max_differing_files=0")
    inputs = [model.manifest]
    own = [step for step in model.steps if step.directory.owner == model.directory.owner and getattr(step, "call", None)]
    if not own:
        fail(message("artifact", ctx.label, "{} has no passes of its own".format(model.label), "Name a lepton_artifact"))
    for number, step in enumerate(own, start = 1):
        again = run_step(ctx, "{}/{}_{}".format(ctx.label.name, number, step.name), step.call, again = True)
        args.add(step.name, format = "--step=%s")
        args.add(step.manifest, format = "--first=%s")
        args.add(again.manifest, format = "--again=%s")
        inputs += [step.manifest, again.manifest]
    if MetricsInfo in ctx.attr.artifact:
        evaluated = ctx.attr.artifact[MetricsInfo]
        predictions = evaluate(ctx, model, evaluated.dataset, again = True)
        args.add(evaluated.predictions, format = "--predictions=%s")
        args.add(predictions, format = "--predictions=%s")
        inputs += [evaluated.predictions, predictions]
    return verdict_test(ctx, kind = "reproducibility", args = args, inputs = inputs)

_lepton_reproducibility_test = rule(
    implementation = _lepton_reproducibility_test_impl,
    doc = _DOC,
    attrs = _ATTRS,
    test = True,
)

def lepton_reproducibility_test(name, artifact, size = "small", **kwargs):
    """Runs an artifact's actions again under other keys, and holds what comes out to the same bytes.

    Args:
      name: the test's name, by custom `<artifact>_reproducibility_test`.
      artifact: a lepton_artifact.
      size: Bazel's size of the test.
      **kwargs: Bazel's attributes of tests.
    """
    _lepton_reproducibility_test(name = name, artifact = artifact, size = size, **kwargs)
