"""The targets of an environment's repository."""

load("//lepton_rules/private/providers:environment_info.bzl", "EnvironmentInfo")

def _lepton_environment_impl(ctx):
    return [
        DefaultInfo(files = depset([ctx.file.key])),
        EnvironmentInfo(
            name = ctx.attr.environment_name,
            directory = ctx.file.directory,
            key = ctx.file.key,
            launcher = ctx.file.launcher,
            packages = ctx.attr.packages,
            python_version = ctx.attr.python_version,
        ),
    ]

lepton_environment = rule(
    implementation = _lepton_environment_impl,
    doc = "A Python environment, as `lepton.environment` makes it. Generated; not written by hand.",
    attrs = {
        "directory": attr.label(mandatory = True, allow_single_file = True, doc = "The source directory that holds interpreter and packages."),
        "environment_name": attr.string(mandatory = True, doc = "The name in the tag."),
        "key": attr.label(mandatory = True, allow_single_file = True, doc = "The file that changes whenever the environment does."),
        "launcher": attr.label(mandatory = True, allow_single_file = True, doc = "The script that runs the environment's Python."),
        "packages": attr.string_dict(doc = "Versions of the installed distributions, by normalised name."),
        "python_version": attr.string(mandatory = True, doc = "The interpreter's version in full."),
    },
    provides = [EnvironmentInfo],
)

def _lepton_environment_python_impl(ctx):
    info = ctx.attr.environment[EnvironmentInfo]
    script = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.write(
        output = script,
        content = '#!/bin/sh\nexec "${{RUNFILES_DIR:-$0.runfiles}}/{}" "$@"\n'.format(info.launcher.short_path.removeprefix("../")),
        is_executable = True,
    )
    return [DefaultInfo(
        executable = script,
        runfiles = ctx.runfiles(files = [info.directory, info.key, info.launcher]),
    )]

lepton_environment_python = rule(
    implementation = _lepton_environment_python_impl,
    doc = "Runs an environment's Python: `bazel run @lepton_rules_torch//:python -- -c 'import torch'`.",
    attrs = {
        "environment": attr.label(mandatory = True, providers = [EnvironmentInfo], doc = "The environment."),
    },
    executable = True,
)
