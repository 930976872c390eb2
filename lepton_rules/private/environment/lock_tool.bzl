"""The command that writes a lock."""

load("//lepton_rules/private/providers:environment_info.bzl", "EnvironmentInfo")

_SCRIPT = """\
#!/bin/sh
runfiles=${{RUNFILES_DIR:-$0.runfiles}}
exec "$runfiles/{launcher}" "$runfiles/{main}" "$@"
"""

def _path_in_runfiles(ctx, file):
    return file.short_path.removeprefix("../") if file.short_path.startswith("../") else ctx.workspace_name + "/" + file.short_path

def _lepton_lock_tool_impl(ctx):
    environment = ctx.attr._environment[EnvironmentInfo]
    script = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.write(
        output = script,
        content = _SCRIPT.format(
            launcher = _path_in_runfiles(ctx, environment.launcher),
            main = _path_in_runfiles(ctx, ctx.file.main),
        ),
        is_executable = True,
    )
    files = [environment.directory, environment.key, environment.launcher, ctx.file.main]
    return [DefaultInfo(
        executable = script,
        runfiles = ctx.runfiles(files = files, transitive_files = depset(transitive = [source.files for source in ctx.attr._sources])),
    )]

lepton_lock_tool = rule(
    implementation = _lepton_lock_tool_impl,
    doc = "Writes a hash-locked file from requirements: `bazel run @lepton_rules//lepton_rules:lock -- --help`.",
    attrs = {
        "main": attr.label(
            default = Label("//lepton_rules/private/environment/builder:write_lock.py"),
            allow_single_file = [".py"],
            doc = "The program.",
        ),
        "_environment": attr.label(default = Label("@lepton_rules_core//:environment"), providers = [EnvironmentInfo]),
        "_sources": attr.label_list(default = [
            Label("//lepton_rules:python_sources"),
            Label("//lepton_rules/private:__init__.py"),
            Label("//lepton_rules/private/debian:__init__.py"),
            Label("//lepton_rules/private/debian/builder:sources"),
            Label("//lepton_rules/private/environment:__init__.py"),
            Label("//lepton_rules/private/environment/builder:sources"),
        ], allow_files = True),
    },
    executable = True,
)
