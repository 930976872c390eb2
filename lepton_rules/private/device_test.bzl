"""What tests that run a model on its chip share: they carry the runtime's environment, and run where the chip is."""

load("//lepton_rules/private/providers:gate_settings_info.bzl", "GateSettingsInfo")
load("//lepton_rules/private/providers:metrics_info.bzl", "MetricsInfo")
load("//lepton_rules/private/providers:model_info.bzl", "ModelInfo")
load("//lepton_rules/private/providers:run_settings_info.bzl", "RunSettingsInfo")
load(":budget.bzl", "check_budgets", "check_limit", "check_percentiles", "check_plausible", "decimal", "require_baseline", "require_budgets")
load(":device_transition.bzl", "device_transition")
load(":gate_settings.bzl", "GATE_ATTRS")
load(":launcher.bzl", "runfile_root", "write_launcher")
load(":messages.bzl", "message")

_OF_HARDWARE = -1

# Where max_plausible_speedup is not set: see lepton_rules.measure.judge_speedup.
_PLAUSIBLE_SPEEDUP = "100"

DEVICE_ATTRS = GATE_ATTRS | {
    "artifact": attr.label(mandatory = True, providers = [ModelInfo], doc = "An artifact with a dataset, whose samples are the inputs."),
    "baseline": attr.label(providers = [ModelInfo], doc = "The artifact or release that ratios are relative to."),
    "batch": attr.int(default = _OF_HARDWARE, doc = "Samples in one inference; -1 for the hardware's."),
    "device": attr.label(mandatory = True, cfg = device_transition, doc = "Set by the macro: the artifact, over the edge to its chip."),
    "_allowlist_function_transition": attr.label(default = "@bazel_tools//tools/allowlists/function_transition_allowlist"),
}

def _check_baseline(ctx, model):
    """The baseline, which must run in the artifact's runtime."""
    plugin = model.hardware.plugin
    baseline = ctx.attr.baseline[ModelInfo]
    if not baseline.hardware or baseline.hardware.plugin.label != plugin.label or baseline.hardware.runtime != model.hardware.runtime:
        fail(message("baseline", ctx.label, "{} does not run in the runtime {}.{} of {}; a ratio is judged in one process".format(
            baseline.label,
            plugin.name,
            model.hardware.runtime,
            model.label,
        ), "Compare with an artifact for hardware of the same runtime"))
    return baseline

def device_test(ctx, *, kind, budgets, relative, options = {}):
    """Declares a test that runs an artifact on its chip.

    Args:
      ctx: the rule's context; the rule has DEVICE_ATTRS.
      kind: string: the program, without `_test`.
      budgets: list of string: attributes that are budgets.
      relative: list of string: those that compare with the baseline.
      options: dict of the program's flag to the attribute that sets it where it is not empty: a decimal string, or an
        int.

    Returns:
      list of providers.
    """
    limits = check_budgets(ctx, budgets)
    given = require_budgets(ctx, limits)
    check_percentiles(ctx.label, limits)
    require_baseline(ctx, ctx.attr.baseline, limits, relative)
    model = ctx.attr.artifact[ModelInfo]
    if not model.hardware:
        fail(message("artifact", ctx.label, "{} is for no hardware, so nothing can run it".format(model.label), "Name a lepton_artifact"))
    batch = model.hardware.batch if ctx.attr.batch == _OF_HARDWARE else ctx.attr.batch
    if batch < 1:
        fail(message("batch", ctx.label, "{} is less than 1".format(batch), "Give at least 1"))
    if MetricsInfo not in ctx.attr.artifact:
        fail(message("artifact", ctx.label, "{} has no dataset to take inputs from".format(model.label), "Give it one"))
    dataset = ctx.attr.artifact[MetricsInfo].dataset
    plugin = model.hardware.plugin
    gates = ctx.attr._run[GateSettingsInfo]
    split = dataset.splits[dataset.evaluation_split]
    files = [model.directory, model.manifest, split, gates.identity]
    arguments = [
        ("--label=", ctx.label),
        ("--plugin=", plugin.name),
        ("--plugin_entry=", plugin.entry),
        ("--component=", model.hardware.runtime),
        ("--hardware=", model.hardware.facts),
        ("--artifact_label=", model.label),
        ("--model=", model.directory),
        ("--model_manifest=", model.manifest),
        ("--dataset=", split),
        ("--identity=", gates.identity),
        "--batch={}".format(batch),
    ] + ["--python_path=" + runfile_root(ctx, root) for root in plugin.roots]
    if model.hardware.affinity:
        arguments.append(("--affinity=", model.hardware.affinity))
    for flag, attribute in options.items():
        value = getattr(ctx.attr, attribute)
        if type(value) == "int":
            if value < 1:
                fail(message(attribute, ctx.label, "{} is less than 1".format(value), "Give at least 1"))
            arguments.append("--{}={}".format(flag, value))
            continue
        limit = check_limit(ctx.label, attribute, value)
        if attribute == "max_plausible_speedup":
            check_plausible(ctx.label, {name: limits[name] for name in relative}, limit or _PLAUSIBLE_SPEEDUP)
        if limit != None:
            arguments.append(("--{}=".format(flag), limit))
    if ctx.attr.baseline:
        baseline = _check_baseline(ctx, model)
        arguments += [
            ("--baseline_label=", baseline.label),
            ("--baseline_model=", baseline.directory),
            ("--baseline_manifest=", baseline.manifest),
        ]
        files += [baseline.directory, baseline.manifest]
    arguments += [("--budget=", budget) for budget in given]
    environment = plugin.environment
    launcher = write_launcher(ctx, environment = environment, program = gates.programs[kind + "_test"], arguments = arguments)
    return [DefaultInfo(
        executable = launcher,
        runfiles = ctx.runfiles(
            files = files + [environment.directory, environment.launcher, environment.key],
            transitive_files = depset(transitive = [ctx.attr._run[RunSettingsInfo].sources, plugin.sources]),
        ),
    )]

def device_attributes(artifact, batch, tags, kwargs, decimals):
    """A macro's arguments as the attributes of a rule with DEVICE_ATTRS.

    Args:
      artifact: the artifact.
      batch: int or None for the hardware's.
      tags: list of string or None.
      kwargs: dict: the macro's further arguments.
      decimals: dict of attribute to int, float, string, select or None: budgets and options.

    Returns:
      dict of attribute to value. `exclusive` is added to the tags, and `no-remote-exec` unless exec_properties say
      where to run.
    """
    return kwargs | {name: decimal(value) for name, value in decimals.items()} | {
        "artifact": artifact,
        "batch": _OF_HARDWARE if batch == None else batch,
        "device": artifact,
        "tags": (tags or []) + ["exclusive"] + ([] if kwargs.get("exec_properties") else ["no-remote-exec"]),
    }
