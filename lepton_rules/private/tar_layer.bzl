"""A layer made of a tar that is there already."""

load("//lepton_rules/private/providers:environment_info.bzl", "EnvironmentInfo")
load("//lepton_rules/private/providers:layers_info.bzl", "LayersInfo")

_SUFFIXES = {"gzip": ".tar.gz", "none": ".tar", "zstd": ".tar.zst"}

def _lepton_tar_layer_impl(ctx):
    blob = ctx.actions.declare_file(ctx.label.name + _SUFFIXES[ctx.attr.compression])
    descriptor = ctx.actions.declare_file(ctx.label.name + ".descriptor.json")
    environment = ctx.attr._environment[EnvironmentInfo]
    args = ctx.actions.args()
    args.add("-B")
    args.add(ctx.file._main)
    args.add(ctx.file.tar, format = "--tar=%s")
    args.add("--compression=" + ctx.attr.compression)
    args.add(blob, format = "--output_blob=%s")
    args.add(descriptor, format = "--output_descriptor=%s")
    ctx.actions.run(
        executable = environment.launcher,
        arguments = [args],
        env = {"LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"},
        inputs = depset([ctx.file.tar, environment.directory], transitive = [source.files for source in ctx.attr._sources]),
        tools = [environment.key, environment.launcher],
        outputs = [blob, descriptor],
        mnemonic = "LeptonLayer",
        progress_message = "Lepton layer %{label}",
    )
    return [
        DefaultInfo(files = depset([blob, descriptor])),
        LayersInfo(
            config = ctx.file.config,
            layers = [struct(blob = blob, descriptor = descriptor)],
            packages = [struct(kind = ctx.attr.package_kind, facts = ctx.file.facts)] if ctx.attr.package_kind else [],
            platform = {"architecture": ctx.attr.architecture, "os": "linux"} if ctx.attr.architecture else None,
        ),
    ]

lepton_tar_layer = rule(
    implementation = _lepton_tar_layer_impl,
    doc = """A layer of a tar, for images to be put on it. It is made once and shared, by its digest, by all that name it.""",
    attrs = {
        "architecture": attr.string(doc = "What it is for, in OCI's names: `amd64`, `arm64`. Without it, for any."),
        "compression": attr.string(default = "zstd", values = _SUFFIXES.keys(), doc = "`none`, `gzip` or `zstd`."),
        "config": attr.label(allow_single_file = [".json"], doc = "An image configuration's `config` that what is put on it starts from."),
        "facts": attr.label(allow_single_file = [".json"], doc = "What is installed in it, for its images' provenance: `{\"packages\": {name: version}}`. With `package_kind`."),
        "package_kind": attr.string(values = ["", "deb", "pypi"], doc = "Whose packages `facts` tells."),
        "tar": attr.label(mandatory = True, allow_single_file = [".tar"], doc = "The tar, without compression."),
        "_environment": attr.label(default = Label("@lepton_rules_oci//:environment"), providers = [EnvironmentInfo], cfg = "exec"),
        "_main": attr.label(default = Label("//lepton_rules/oci:tar_layer.py"), allow_single_file = True),
        "_sources": attr.label_list(
            default = [Label("//lepton_rules/oci:layer_sources"), Label("//lepton_rules/oci:tar_layer.py")],
            allow_files = True,
        ),
    },
    provides = [LayersInfo],
)
