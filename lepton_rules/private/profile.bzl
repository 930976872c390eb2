"""The runnables `<artifact>.profile` and `<artifact>.monitor`: an artifact on its chip, looked into while it runs."""

load("//lepton_rules/private/providers:gate_settings_info.bzl", "GateSettingsInfo")
load("//lepton_rules/private/providers:metrics_info.bzl", "MetricsInfo")
load("//lepton_rules/private/providers:model_info.bzl", "ModelInfo")
load("//lepton_rules/private/providers:programs_info.bzl", "ProgramsInfo")
load("//lepton_rules/private/providers:run_settings_info.bzl", "RunSettingsInfo")
load(":gate_settings.bzl", "GATE_ATTRS")
load(":launcher.bzl", "runfile_root", "write_launcher")
load(":messages.bzl", "message")

def profile_words(ctx, artifact, label):
    """What a program that runs an artifact is told, and the files that it needs.

    Args:
      ctx: the rule's context; the rule has GATE_ATTRS, and ProgramsInfo in `_programs`.
      artifact: Target with ModelInfo: an artifact, which is for a chip.
      label: Label or string: what messages name.

    Returns:
      struct(environment = EnvironmentInfo, words = list of words, files = list of File,
      sources = list of depset of File).
    """
    model = artifact[ModelInfo]
    if MetricsInfo not in artifact:
        fail(message("artifact", ctx.label, "{} has no dataset to take inputs from".format(model.label), "Give it one"))
    evaluated = artifact[MetricsInfo]
    plugin = model.hardware.plugin
    split = evaluated.dataset.splits[evaluated.dataset.evaluation_split]
    identity = ctx.attr._run[GateSettingsInfo].identity
    files = [model.directory, model.manifest, split, identity]
    words = [
        ("--label=", label),
        ("--artifact_label=", model.label),
        ("--plugin=", plugin.name),
        ("--plugin_entry=", plugin.entry),
        ("--component=", model.hardware.runtime),
        ("--preload=", ",".join(plugin.preload)),
        ("--hardware=", model.hardware.facts),
        ("--model=", model.directory),
        ("--model_manifest=", model.manifest),
        ("--dataset=", split),
        ("--identity=", identity),
    ] + ["--python_path=" + runfile_root(ctx, root) for root in plugin.roots]
    for position, step in enumerate(model.steps):
        words.append(("--step_manifest=", step.manifest))
        files.append(step.manifest)
        exported = evaluated.step_models.get(position)
        if exported:
            words.append(("--step_model_manifest={}=".format(position + 1), exported.manifest))
            files.append(exported.manifest)
        directory = exported.directory if exported else step.directory
        words.append(("--step_model={}=".format(position + 1), directory))
        files.append(directory)
    environment = plugin.environment
    return struct(
        environment = environment,
        words = words,
        files = files + [environment.directory, environment.key, environment.launcher],
        sources = [ctx.attr._run[RunSettingsInfo].sources, plugin.sources, ctx.attr._programs[ProgramsInfo].sources],
    )

def _runnable(ctx, name):
    told = profile_words(ctx, ctx.attr.artifact, ctx.label)
    program = ctx.attr._programs[ProgramsInfo].programs[name]
    launcher = write_launcher(ctx, environment = told.environment, program = program, arguments = told.words)
    return [DefaultInfo(
        executable = launcher,
        runfiles = ctx.runfiles(files = told.files, transitive_files = depset(transitive = told.sources)),
    )]

def _lepton_profile_impl(ctx):
    return _runnable(ctx, "profile")

def _lepton_monitor_impl(ctx):
    return _runnable(ctx, "monitor")

_ATTRS = GATE_ATTRS | {
    "artifact": attr.label(mandatory = True, providers = [ModelInfo], doc = "A lepton_artifact with a dataset, whose samples are the inputs."),
    "_programs": attr.label(default = "//lepton_rules/profile:programs", providers = [ProgramsInfo]),
}

lepton_profile = rule(
    implementation = _lepton_profile_impl,
    doc = "Profiles an artifact on its chip: time by operator, roofline, memory, sensitivity, advice, and a trace.",
    attrs = _ATTRS,
    executable = True,
)

lepton_monitor = rule(
    implementation = _lepton_monitor_impl,
    doc = "Runs an artifact on its chip, and serves what is measured to Prometheus.",
    attrs = _ATTRS,
    executable = True,
)
