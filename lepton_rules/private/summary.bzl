"""The runnable `<artifact>.summary`: size, accuracy and lineage as a table."""

load("//lepton_rules/private/providers:gate_settings_info.bzl", "GateSettingsInfo")
load("//lepton_rules/private/providers:metrics_info.bzl", "MetricsInfo")
load("//lepton_rules/private/providers:model_info.bzl", "ModelInfo")
load("//lepton_rules/private/providers:run_settings_info.bzl", "RunSettingsInfo")
load(":gate_settings.bzl", "GATE_ATTRS")
load(":launcher.bzl", "write_launcher")

def _lepton_summary_impl(ctx):
    model = ctx.attr.artifact[ModelInfo]
    arguments = [("--label=", model.label)]
    files = []
    for step in model.steps:
        arguments.append(("--manifest=", step.manifest))
        files.append(step.manifest)
    if MetricsInfo in ctx.attr.artifact:
        metrics = ctx.attr.artifact[MetricsInfo].metrics
        arguments.append(("--metrics=", metrics))
        files.append(metrics)
        for position, file in ctx.attr.artifact[MetricsInfo].step_metrics.items():
            arguments.append(("--step_metrics={}=".format(position + 1), file))
            files.append(file)
    gates = ctx.attr._run[GateSettingsInfo]
    environment = gates.core
    launcher = write_launcher(ctx, environment = environment, program = gates.summary_program, arguments = arguments)
    return [DefaultInfo(
        executable = launcher,
        runfiles = ctx.runfiles(
            files = files + [environment.directory, environment.launcher],
            transitive_files = ctx.attr._run[RunSettingsInfo].sources,
        ),
    )]

lepton_summary = rule(
    implementation = _lepton_summary_impl,
    doc = "Prints size, accuracy and lineage of an artifact as a table.",
    attrs = GATE_ATTRS | {
        "artifact": attr.label(mandatory = True, providers = [ModelInfo], doc = "A lepton_artifact or lepton_model."),
    },
    executable = True,
)
