"""lepton_python_test: pytest in a lepton environment."""

load("//lepton_rules/private/providers:environment_info.bzl", "EnvironmentInfo")
load("//lepton_rules/private/providers:plugin_info.bzl", "PluginInfo")
load("//lepton_rules/private/providers:run_settings_info.bzl", "RunSettingsInfo")
load(":launcher.bzl", "runfile", "runfile_root", "write_launcher")
load(":run.bzl", "RUN_ATTRS")

_DOC = """Runs pytest over `srcs` in an environment, with the plugins in `deps` and the package lepton_rules importable."""

_ATTRS = RUN_ATTRS | {
    "data": attr.label_list(allow_files = True, doc = "Files that the tests read, below the runfiles."),
    "deps": attr.label_list(providers = [PluginInfo], doc = "lepton_plugin targets whose packages the tests import."),
    "environment": attr.label(
        default = "@lepton_rules_test//:environment",
        providers = [EnvironmentInfo],
        doc = "The environment under test. It need not have pytest.",
    ),
    "helpers": attr.label_list(allow_files = [".py"], doc = "Modules that the tests import: their directories are put on sys.path."),
    "srcs": attr.label_list(mandatory = True, allow_files = [".py"], doc = "Files of tests."),
    "_program": attr.label(default = "//lepton_rules/private/testing:run_pytest.py", allow_single_file = True),
    "_pytest": attr.label(default = "@lepton_rules_test//:environment", providers = [EnvironmentInfo]),
}

def _lepton_python_test_impl(ctx):
    environment = ctx.attr.environment[EnvironmentInfo]
    pytest = ctx.attr._pytest[EnvironmentInfo]
    settings = ctx.attr._run[RunSettingsInfo]
    package = "/".join([p for p in [ctx.label.workspace_root, ctx.label.package] if p]) or "."
    roots = [settings.root, package]
    for file in ctx.files.helpers:
        if file.dirname not in roots:
            roots.append(file.dirname)
    sources = []
    for dep in ctx.attr.deps:
        roots += dep[PluginInfo].roots
        sources.append(dep[PluginInfo].sources)
    arguments = ["--path=" + runfile_root(ctx, root) for root in roots]
    arguments.append("--pytest=" + runfile(ctx, pytest.directory))
    arguments.append("--")
    arguments += [runfile(ctx, file) for file in ctx.files.srcs]
    launcher = write_launcher(ctx, environment = environment, program = ctx.file._program, arguments = arguments)
    runfiles = ctx.runfiles(
        files = ctx.files.srcs + ctx.files.helpers + ctx.files.data + [
            environment.directory,
            environment.launcher,
            environment.key,
            pytest.directory,
            ctx.file._program,
        ],
        transitive_files = depset(transitive = sources + [settings.sources]),
    )
    for target in ctx.attr.data:
        runfiles = runfiles.merge(target[DefaultInfo].default_runfiles)
    return [DefaultInfo(executable = launcher, runfiles = runfiles)]

lepton_python_test = rule(
    implementation = _lepton_python_test_impl,
    doc = _DOC,
    attrs = _ATTRS,
    test = True,
)
