"""Collects what every test of a budget and every runnable shares."""

load("//lepton_rules/private/providers:environment_info.bzl", "EnvironmentInfo")
load("//lepton_rules/private/providers:gate_settings_info.bzl", "GateSettingsInfo")
load("//lepton_rules/private/providers:run_settings_info.bzl", "RunSettingsInfo")

# Instead of RUN_ATTRS.
GATE_ATTRS = {
    "_run": attr.label(
        default = "//lepton_rules/settings:gates",
        providers = [GateSettingsInfo, RunSettingsInfo],
    ),
}

def _gate_settings_impl(ctx):
    return [
        GateSettingsInfo(
            core = ctx.attr.core[EnvironmentInfo],
            exec_core = ctx.attr.exec_core[EnvironmentInfo],
            identity = ctx.file.identity,
            programs = {file.basename.removesuffix(".py"): file for file in ctx.files.programs},
            summary_program = ctx.file.summary_program,
            verdict_program = ctx.file.verdict_program,
        ),
        ctx.attr.run[RunSettingsInfo],
    ]

gate_settings = rule(
    implementation = _gate_settings_impl,
    doc = "The programs of tests and runnables, and the settings that reach their actions.",
    attrs = {
        "core": attr.label(mandatory = True, providers = [EnvironmentInfo]),
        "exec_core": attr.label(mandatory = True, cfg = "exec", providers = [EnvironmentInfo]),
        "identity": attr.label(mandatory = True, allow_single_file = [".json"]),
        "programs": attr.label_list(mandatory = True, allow_files = [".py"]),
        "run": attr.label(mandatory = True, providers = [RunSettingsInfo]),
        "summary_program": attr.label(mandatory = True, allow_single_file = [".py"]),
        "verdict_program": attr.label(mandatory = True, allow_single_file = [".py"]),
    },
)
