"""Images that are facts alone: nothing of them is built."""

load("@lepton_rules//lepton_rules:providers.bzl", "ImageInfo", "LayersInfo", "ModelInfo")

def _image_impl(ctx):
    file = ctx.actions.declare_file(ctx.label.name + ".json")
    ctx.actions.write(file, "{}")
    return [ImageInfo(
        name = ctx.label.name,
        label = str(ctx.label),
        manifest = file,
        config = file,
        digest = file,
        layers = [],
        layouts = [],
        platform = {"architecture": "amd64", "os": "linux"},
        model_manifest = ctx.attr.model[ModelInfo].manifest if ctx.attr.model else file,
    )]

image = rule(
    implementation = _image_impl,
    doc = "An image without layers.",
    attrs = {"model": attr.label(providers = [ModelInfo])},
)

def _layers_impl(ctx):
    return [LayersInfo(layers = [], platform = {"architecture": ctx.attr.architecture, "os": "linux"})]

layers = rule(
    implementation = _layers_impl,
    doc = "No layers, for one platform.",
    attrs = {"architecture": attr.string(mandatory = True)},
)
