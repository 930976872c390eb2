"""Collects what all runnables of one kind share."""

load("//lepton_rules/private/providers:environment_info.bzl", "EnvironmentInfo")
load("//lepton_rules/private/providers:programs_info.bzl", "ProgramsInfo")

def _environment(target):
    return target[EnvironmentInfo] if target else None

def _programs_impl(ctx):
    return [ProgramsInfo(
        environment = _environment(ctx.attr.environment),
        exec_environment = _environment(ctx.attr.exec_environment),
        programs = {file.basename.removesuffix(".py"): file for file in ctx.files.programs},
        sources = depset(transitive = [target[DefaultInfo].files for target in ctx.attr.sources]),
    )]

programs = rule(
    implementation = _programs_impl,
    doc = "The programs of a kind of runnable.",
    attrs = {
        "environment": attr.label(providers = [EnvironmentInfo]),
        "exec_environment": attr.label(cfg = "exec", providers = [EnvironmentInfo]),
        "programs": attr.label_list(mandatory = True, allow_files = [".py"]),
        "sources": attr.label_list(mandatory = True),
    },
)
