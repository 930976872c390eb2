"""A model and an image that are files beside this one."""

load("//lepton_rules:providers.bzl", "ImageIndexInfo", "ImageInfo", "ModelInfo")

def _signed_fake_impl(ctx):
    directory = ctx.actions.declare_directory(ctx.label.name + "/model")
    digest = ctx.actions.declare_file(ctx.label.name + "/digest")
    manifest = ctx.actions.declare_file(ctx.label.name + "/manifest.json")
    ctx.actions.run_shell(
        outputs = [directory],
        command = "mkdir -p $1 && printf graph >$1/model.onnx && printf weights >$1/model.onnx.data",
        arguments = [directory.path],
    )
    ctx.actions.write(digest, "sha256:{}\n".format("a" * 64))
    ctx.actions.write(manifest, "{}\n")
    statement = ctx.actions.declare_file(ctx.label.name + "/statement.json")
    ctx.actions.write(statement, json.encode({"subject": [{"digest": {"sha256": "a" * 64}, "name": "tiny"}]}))
    return [
        OutputGroupInfo(provenance = depset([statement])),
        ModelInfo(
            label = str(ctx.label),
            format = "onnx",
            directory = directory,
            manifest = manifest,
            weights_digest = digest,
            plugins = [],
        ),
        ImageInfo(
            name = "tiny",
            label = str(ctx.label),
            manifest = manifest,
            config = manifest,
            digest = digest,
            layers = [],
            layouts = [],
            platform = {"architecture": "amd64", "os": "linux"},
            model_manifest = manifest,
        ),
    ]

signed_fake = rule(
    implementation = _signed_fake_impl,
    doc = "A model of two files, and an image whose digest is made up.",
)

def _signed_index_impl(ctx):
    digest = ctx.actions.declare_file(ctx.label.name + "/digest")
    ctx.actions.write(digest, "sha256:{}\n".format("c" * 64))
    return [ImageIndexInfo(label = str(ctx.label), index = digest, digest = digest, images = [])]

signed_index = rule(
    implementation = _signed_index_impl,
    doc = "An index whose digest is made up.",
)
