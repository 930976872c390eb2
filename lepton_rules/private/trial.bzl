"""lepton_trial: one step of one trial of `<artifact>.tune`, in the repository that the tuner writes."""

load("//lepton_rules/private/providers:plan_info.bzl", "PlanInfo")
load(":config.bzl", "check_capabilities", "check_config", "needed_capabilities")
load(":evaluate.bzl", "evaluate", "measure")
load(":messages.bzl", "display_label")
load(":run.bzl", "RUN_ATTRS")
load(":step.bzl", "run_step", "step_call")

_TrialInfo = provider(
    doc = "A model on its way through a trial.",
    fields = {
        "model": "struct(directory, manifest, environment)",
        "predictions": "File or None: what it answers on the evaluation split.",
    },
)

_DOC = """One step of an artifact's plan with other options, after another step or after the artifact's own first ones.

Trials that begin alike share their first steps. The name is a digest of all that leads here, so what was built once is
found again.
"""

_ATTRS = RUN_ATTRS | {
    "artifact": attr.label(mandatory = True, providers = [PlanInfo], doc = "The artifact's `.tune`."),
    "baseline": attr.label(providers = [_TrialInfo], doc = "What metrics that need a baseline compare with."),
    "config": attr.string(default = "{}", doc = "The options that differ from the artifact's, as JSON."),
    "evaluate": attr.bool(doc = "Whether a trial ends here: the model is measured on the evaluation split."),
    "parent": attr.label(providers = [_TrialInfo], doc = "The step before."),
    "seed": attr.int(doc = "The artifact's."),
    "start": attr.int(doc = "Without a parent: how many of the artifact's own steps come before."),
    "step": attr.int(default = -1, doc = "The position in the artifact's plan of the step that runs; -1: none, the model is taken as it is."),
    "threads": attr.int(default = 1, doc = "The artifact's."),
}

def _varied(ctx, plan):
    """The step with the trial's options. Fails where the chip cannot do it."""
    step = plan.steps[ctx.attr.step]
    changes = json.decode(ctx.attr.config)
    schema = step.descriptor["config"]
    check_config(step.qualified, ctx.label, schema, changes)
    resolved = struct(config = step.config | changes, origins = step.origins | {key: "the trial" for key in changes})
    needs = needed_capabilities(schema, resolved, step.descriptor.get("requires", []))
    check_capabilities(step.qualified, ctx.label, resolved, needs, plan.hardware)
    return struct(
        kind = step.kind,
        plugin = step.plugin,
        name = step.name,
        descriptor = step.descriptor,
        config = resolved.config,
        qualified = step.qualified,
    )

def _lepton_trial_impl(ctx):
    plan = ctx.attr.artifact[PlanInfo]
    model = ctx.attr.parent[_TrialInfo].model if ctx.attr.parent else plan.models[ctx.attr.start]
    if ctx.attr.step >= 0:
        step = _varied(ctx, plan)
        files = run_step(ctx, "{}/step_{}".format(ctx.label.name, step.qualified), step_call(
            model = model,
            hardware = plan.hardware,
            step = step,
            slots = plan.slots[ctx.attr.step],
            seed = ctx.attr.seed,
            threads = ctx.attr.threads,
        ))
        model = struct(directory = files.directory, manifest = files.manifest, environment = model.environment)
    files = [model.directory, model.manifest]
    predictions = None
    if ctx.attr.evaluate and plan.dataset:
        measured = struct(label = display_label(ctx.label), directory = model.directory, manifest = model.manifest, hardware = plan.hardware)
        predictions = evaluate(ctx, measured, plan.dataset)
        baseline = ctx.attr.baseline[_TrialInfo].predictions if ctx.attr.baseline else None
        metrics = [metric for metric in plan.metrics if baseline or not metric.descriptor["needs_baseline"]]
        if metrics:
            files.append(measure(ctx, measured, plan.dataset, predictions, metrics, baseline))
    return [
        DefaultInfo(files = depset(files)),
        _TrialInfo(model = model, predictions = predictions),
    ]

lepton_trial = rule(
    implementation = _lepton_trial_impl,
    doc = _DOC,
    attrs = _ATTRS,
)
