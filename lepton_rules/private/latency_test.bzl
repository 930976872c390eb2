"""lepton_latency_test: an artifact's speed on its chip against budgets."""

load("@bazel_skylib//lib:shell.bzl", "shell")
load("//lepton_rules/private/providers:gate_settings_info.bzl", "GateSettingsInfo")
load("//lepton_rules/private/providers:metrics_info.bzl", "MetricsInfo")
load("//lepton_rules/private/providers:model_info.bzl", "ModelInfo")
load("//lepton_rules/private/providers:run_settings_info.bzl", "RunSettingsInfo")
load(":budget.bzl", "LATENCY_BUDGETS", "check_budget", "decimal", "require_baseline", "require_budgets")
load(":device_transition.bzl", "device_transition")
load(":gate_settings.bzl", "GATE_ATTRS")
load(":launcher.bzl", "runfile", "runfile_root", "write_launcher")
load(":messages.bzl", "display_label", "message")

_DOC = """Holds an artifact's latency on its chip to budgets.

A speed-up is judged in one process, in adjacent pairs of random order, by a sequential test that says pass, fail or not
proven. Milliseconds are for the declared hardware only. Where the chip is absent, the test is skipped.
"""

_ATTRS = GATE_ATTRS | {
    "artifact": attr.label(mandatory = True, providers = [ModelInfo], doc = "An artifact with a dataset, whose samples are the inputs."),
    "baseline": attr.label(providers = [ModelInfo], doc = "The artifact that min_speedup is relative to."),
    "batch": attr.int(default = 1, doc = "Samples in one inference."),
    "device": attr.label(mandatory = True, cfg = device_transition, doc = "Set by the macro: the artifact, over the edge to its chip."),
    "max_p50_ms": attr.string(doc = "The most milliseconds of the median inference."),
    "max_p90_ms": attr.string(doc = "The most milliseconds of 90 % of inferences."),
    "max_p99_ms": attr.string(doc = "The most milliseconds of 99 % of inferences."),
    "min_speedup": attr.string(doc = "The least speed-up over the baseline, such as `3.2`."),
    "_allowlist_function_transition": attr.label(default = "@bazel_tools//tools/allowlists/function_transition_allowlist"),
}

def _lepton_latency_test_impl(ctx):
    budgets = {name: check_budget(ctx, name) for name in LATENCY_BUDGETS}
    given = require_budgets(ctx, budgets)
    require_baseline(ctx, ctx.attr.baseline, budgets, ["min_speedup"])
    if ctx.attr.batch < 1:
        fail(message("batch", ctx.label, "{} is less than 1".format(ctx.attr.batch), "Give at least 1"))
    model = ctx.attr.artifact[ModelInfo]
    if MetricsInfo not in ctx.attr.artifact:
        fail(message("artifact", ctx.label, "{} has no dataset to take inputs from".format(model.label), "Give it one"))
    dataset = ctx.attr.artifact[MetricsInfo].dataset
    plugin = model.hardware.plugin
    gates = ctx.attr._run[GateSettingsInfo]
    split = dataset.splits[dataset.evaluation_split]
    files = [model.directory, model.manifest, split, gates.identity]
    arguments = [
        "--label=" + shell.quote(display_label(ctx.label)),
        "--plugin=" + shell.quote(plugin.name),
        "--plugin_entry=" + shell.quote(plugin.entry),
        "--component=" + shell.quote(model.hardware.runtime),
        "--hardware=" + shell.quote(model.hardware.facts),
        "--artifact_label=" + shell.quote(model.label),
        "--model=" + runfile(ctx, model.directory),
        "--model_manifest=" + runfile(ctx, model.manifest),
        "--dataset=" + runfile(ctx, split),
        "--identity=" + runfile(ctx, gates.identity),
        "--batch={}".format(ctx.attr.batch),
    ] + ["--python_path=" + runfile_root(ctx, root) for root in plugin.roots]
    if ctx.attr.baseline:
        baseline = ctx.attr.baseline[ModelInfo]
        if not baseline.hardware or baseline.hardware.plugin.label != plugin.label or baseline.hardware.runtime != model.hardware.runtime:
            fail(message("baseline", ctx.label, "{} does not run in the runtime {}.{} of {}; a ratio is judged in one process".format(
                baseline.label,
                plugin.name,
                model.hardware.runtime,
                model.label,
            ), "Compare with an artifact for hardware of the same runtime"))
        arguments += [
            "--baseline_label=" + shell.quote(baseline.label),
            "--baseline_model=" + runfile(ctx, baseline.directory),
            "--baseline_manifest=" + runfile(ctx, baseline.manifest),
        ]
        files += [baseline.directory, baseline.manifest]
    arguments += ["--budget=" + shell.quote(budget) for budget in given]
    environment = plugin.environment
    launcher = write_launcher(ctx, environment = environment, program = gates.latency_program, arguments = arguments)
    return [DefaultInfo(
        executable = launcher,
        runfiles = ctx.runfiles(
            files = files + [environment.directory, environment.launcher, environment.key],
            transitive_files = depset(transitive = [ctx.attr._run[RunSettingsInfo].sources, plugin.sources]),
        ),
    )]

_lepton_latency_test = rule(
    implementation = _lepton_latency_test_impl,
    doc = _DOC,
    attrs = _ATTRS,
    test = True,
)

def lepton_latency_test(name, artifact, baseline = None, batch = 1, min_speedup = None, max_p50_ms = None, max_p90_ms = None, max_p99_ms = None, tags = None, size = "medium", **kwargs):
    """Holds an artifact's latency to budgets, on the machine that has its chip.

    Args:
      name: the test's name, by custom `<artifact>_latency_test`.
      artifact: a lepton_artifact with a dataset.
      baseline: the lepton_artifact that min_speedup is relative to.
      batch: samples in one inference.
      min_speedup: the least speed-up over the baseline.
      max_p50_ms: the most milliseconds of the median inference.
      max_p90_ms: the most milliseconds of 90 % of inferences.
      max_p99_ms: the most milliseconds of 99 % of inferences.
      tags: Bazel's tags; `exclusive` is added, and `no-remote` unless exec_properties say where to run.
      size: Bazel's size of the test.
      **kwargs: Bazel's attributes of tests.
    """
    _lepton_latency_test(
        name = name,
        size = size,
        artifact = artifact,
        device = artifact,
        baseline = baseline,
        batch = batch,
        min_speedup = decimal(min_speedup),
        max_p50_ms = decimal(max_p50_ms),
        max_p90_ms = decimal(max_p90_ms),
        max_p99_ms = decimal(max_p99_ms),
        tags = (tags or []) + ["exclusive"] + ([] if kwargs.get("exec_properties") else ["no-remote-exec"]),
        **kwargs
    )
