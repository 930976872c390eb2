"""A rule that calls provenance() with the files of an image that is not there."""

# The unit under test is private.
# buildifier: disable=bzl-visibility
load("//lepton_rules/private:provenance.bzl", "PROVENANCE_ATTRS", "provenance")

# buildifier: disable=bzl-visibility
load("//lepton_rules/private:run.bzl", "RUN_ATTRS")

def _provenance_of_fake_impl(ctx):
    groups = provenance(
        ctx,
        image = struct(
            digest = ctx.file.digest,
            label = "//models:resnet_image",
            manifest = ctx.file.image_manifest,
            model_manifest = ctx.file.model_manifest,
            name = "resnet",
            platform = {"architecture": "arm64", "os": "linux", "variant": "v8"},
        ),
        metrics = ctx.file.metrics,
        packages = [struct(kind = "deb", facts = ctx.file.deb), struct(kind = "pypi", facts = ctx.file.pypi)],
        parameters = {"artifact": "//models:resnet", "compression": "zstd"},
    )
    return [
        DefaultInfo(files = depset(transitive = [groups[name] for name in sorted(groups)])),
        OutputGroupInfo(**groups),
    ]

provenance_of_fake = rule(
    implementation = _provenance_of_fake_impl,
    doc = "The provenance of a fake image.",
    attrs = RUN_ATTRS | PROVENANCE_ATTRS | {
        name: attr.label(mandatory = True, allow_single_file = True)
        for name in ["deb", "digest", "image_manifest", "metrics", "model_manifest", "pypi"]
    },
)
