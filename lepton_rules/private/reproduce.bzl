"""The runnable `<artifact>.reproduce`: everything again from nothing, in another output base."""

load("@bazel_skylib//lib:shell.bzl", "shell")
load("//lepton_rules/private/providers:gate_settings_info.bzl", "GateSettingsInfo")
load("//lepton_rules/private/providers:model_info.bzl", "ModelInfo")
load("//lepton_rules/private/providers:run_settings_info.bzl", "RunSettingsInfo")
load(":gate_settings.bzl", "GATE_ATTRS")
load(":launcher.bzl", "write_launcher")

_SEED = str(Label("//lepton_rules/settings:hash_seed"))

def _lepton_reproduce_impl(ctx):
    model = ctx.attr.artifact[ModelInfo]
    gates = ctx.attr._run[GateSettingsInfo]
    arguments = [
        ("--label=", model.label),
        ("--target=", str(ctx.attr.artifact.label)),
        ("--seed_flag=", _SEED),
    ]
    files = []
    for step in model.steps:
        # Where the other build has it, below its bazel-bin: a file of another repository is there too.
        place = step.manifest.short_path
        place = "external/" + place[len("../"):] if place.startswith("../") else place
        arguments.append(("--step={}={}=".format(shell.quote(step.name), shell.quote(place)), step.manifest))
        files.append(step.manifest)
    environment = gates.core
    launcher = write_launcher(ctx, environment = environment, program = gates.programs["reproduce"], arguments = arguments)
    return [DefaultInfo(
        executable = launcher,
        runfiles = ctx.runfiles(
            files = files + [environment.directory, environment.launcher],
            transitive_files = ctx.attr._run[RunSettingsInfo].sources,
        ),
    )]

lepton_reproduce = rule(
    implementation = _lepton_reproduce_impl,
    doc = "Builds an artifact again from nothing in another output base, and compares every step's files.",
    attrs = GATE_ATTRS | {
        "artifact": attr.label(mandatory = True, providers = [ModelInfo], doc = "A lepton_artifact."),
    },
    executable = True,
)
