"""A rule that runs an environment's Python, as a user's own would."""

load("@lepton_rules//lepton_rules:providers.bzl", "EnvironmentInfo")

def _uses_impl(ctx):
    info = ctx.attr.environment[EnvironmentInfo]
    out = ctx.actions.declare_file(ctx.label.name + ".txt")
    ctx.actions.run(
        executable = info.launcher,
        arguments = ["-c", "import sys, importlib.metadata as m; open(sys.argv[1], 'w').write(' '.join(sorted(d.name for d in m.distributions())))", out.path],
        tools = [info.key],
        inputs = [info.directory],
        outputs = [out],
    )
    return [DefaultInfo(files = depset([out]))]

uses = rule(
    implementation = _uses_impl,
    attrs = {"environment": attr.label(providers = [EnvironmentInfo])},
)
