"""lepton_tool: a Python module of lepton_rules as a program for `bazel run`."""

load("//lepton_rules/private/providers:environment_info.bzl", "EnvironmentInfo")
load("//lepton_rules/private/providers:run_settings_info.bzl", "RunSettingsInfo")
load(":launcher.bzl", "runfile_root", "write_launcher")
load(":run.bzl", "RUN_ATTRS")

def _lepton_tool_impl(ctx):
    environment = ctx.attr.environment[EnvironmentInfo]
    settings = ctx.attr._run[RunSettingsInfo]
    launcher = write_launcher(ctx, environment = environment, program = ctx.file._program, arguments = [
        "--path=" + runfile_root(ctx, settings.root),
        "--module=" + ctx.attr.module,
        "--",
    ])
    return [DefaultInfo(executable = launcher, runfiles = ctx.runfiles(
        files = [environment.directory, environment.launcher, environment.key, ctx.file._program] + ctx.files.srcs,
        transitive_files = settings.sources,
    ))]

lepton_tool = rule(
    implementation = _lepton_tool_impl,
    doc = "A module of the package lepton_rules as a program.",
    attrs = RUN_ATTRS | {
        "environment": attr.label(mandatory = True, providers = [EnvironmentInfo], doc = "What it runs in."),
        "module": attr.string(mandatory = True, doc = "The module, such as `lepton_rules.tools.history.main`."),
        "srcs": attr.label_list(mandatory = True, allow_files = [".py"], doc = "Its sources."),
        "_program": attr.label(default = "//lepton_rules/private/testing:run_module.py", allow_single_file = True),
    },
    executable = True,
)
