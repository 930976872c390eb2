"""A stack of layers as a base or an environment brings it, made of files that are there."""

load("//lepton_rules:providers.bzl", "LayersInfo")

def _layers_impl(ctx):
    return [LayersInfo(
        config = ctx.file.config,
        layers = [struct(blob = ctx.file.blob, descriptor = ctx.file.descriptor)],
        platform = {"architecture": ctx.attr.architecture, "os": "linux"},
    )]

layers = rule(
    implementation = _layers_impl,
    doc = "LayersInfo of one layer.",
    attrs = {
        "architecture": attr.string(mandatory = True),
        "blob": attr.label(allow_single_file = True, mandatory = True),
        "config": attr.label(allow_single_file = True, mandatory = True),
        "descriptor": attr.label(allow_single_file = True, mandatory = True),
    },
)
