"""Images of which only the facts are there."""

load("//lepton_rules:providers.bzl", "ImageIndexInfo", "ImageInfo")

def _fixed_image_impl(ctx):
    digest = ctx.actions.declare_file(ctx.label.name + ".digest")
    ctx.actions.write(digest, "sha256:{}\n".format(ctx.attr.digit * 64))
    empty = ctx.actions.declare_file(ctx.label.name + ".json")
    ctx.actions.write(empty, "{}")
    config = ctx.actions.declare_file(ctx.label.name + ".config.json")
    ctx.actions.write(config, json.encode({"config": {"Cmd": [
        "--model=/models/image/1",
        "--name=image",
        "--version=1",
        "--runtime_plugin=onnxruntime",
        "--max_batch=8",
    ]}}))
    images = [
        ImageInfo(
            name = ctx.label.name,
            label = str(ctx.label),
            manifest = empty,
            config = config,
            digest = digest,
            layers = [],
            layouts = [],
            platform = {"architecture": architecture, "os": "linux"},
            model_manifest = ctx.file.manifest,
        )
        for architecture in ctx.attr.architectures
    ]
    if len(images) == 1:
        return images
    return [ImageIndexInfo(label = str(ctx.label), index = empty, digest = digest, images = images)]

fixed_image = rule(
    implementation = _fixed_image_impl,
    doc = "An image, or an index of several, whose digest is one digit 64 times.",
    attrs = {
        "architectures": attr.string_list(default = ["amd64"]),
        "digit": attr.string(default = "a"),
        "manifest": attr.label(mandatory = True, allow_single_file = [".json"]),
    },
)
