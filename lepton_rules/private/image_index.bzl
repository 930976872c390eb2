"""lepton_image_index: one name for the images of several platforms."""

load("//lepton_rules/private/providers:image_info.bzl", "ImageIndexInfo", "ImageInfo")
load(":artifact.bzl", "lepton_artifact")
load(":image.bzl", "assembled", "check_name", "lepton_image", "tag_of")
load(":image_runnables.bzl", "image_runnables")
load(":messages.bzl", "display_label", "message")
load(":oci_action.bzl", "OCI_ATTRS", "oci_run")
load(":one_line.bzl", "check_one_line")
load(":provenance.bzl", "PROVENANCE_GROUPS")
load(":signing.bzl", "image_signing")

_DOC = """One name for the images of several platforms: who pulls it gets the image for their own.

Default outputs are the index, its digest and the manifests; the output groups are those of lepton_image.
"""

def _platform_text(platform):
    return "/".join([platform[key] for key in ["os", "architecture", "variant"] if platform.get(key)])

def _group(target, name):
    groups = target[OutputGroupInfo] if OutputGroupInfo in target else struct()
    return getattr(groups, name, depset())

def _lepton_image_index_impl(ctx):
    images = [target[ImageInfo] for target in ctx.attr.images]
    if not images:
        fail(message("images", ctx.label, "there is none", "Name at least one lepton_image"))
    seen = {}
    for image in images:
        text = _platform_text(image.platform)
        if text in seen:
            fail(message(
                "images",
                ctx.label,
                "{} and {} are both for {}".format(seen[text], image.label, text),
                "Give one of them a platform with a variant, such as linux/amd64/v3, or leave it out",
            ))
        seen[text] = image.label
    name = ctx.attr.model_name or images[0].name
    check_name(ctx, "model_name", name)
    check_one_line(ctx, "annotations", ctx.attr.annotations)
    index = ctx.actions.declare_file(ctx.label.name + "/index.json")
    digest = ctx.actions.declare_file(ctx.label.name + "/digest")
    args = ctx.actions.args()
    args.add("--label=" + display_label(ctx.label))
    args.add("--annotations=" + json.encode(ctx.attr.annotations))
    args.add_all([image.manifest for image in images], format_each = "--manifest=%s")
    args.add_all([image.config for image in images], format_each = "--config=%s")
    args.add(index, format = "--output_index=%s")
    args.add(digest, format = "--output_digest=%s")
    oci_run(
        ctx,
        program = ctx.file._make_index,
        args = args,
        inputs = [image.manifest for image in images] + [image.config for image in images],
        outputs = [index, digest],
        mnemonic = "LeptonImageIndex",
        progress = "image index",
    )
    whole = assembled(ctx, images, index, tag_of(name, ctx.attr.version))
    return [
        DefaultInfo(files = depset([index, digest] + [image.manifest for image in images])),
        OutputGroupInfo(
            digest = depset([digest]),
            layers = depset([layer.blob for image in images for layer in image.layers]),
            layout = depset([whole.layout]),
            tarball = depset([whole.tarball]),
            **{group: depset(transitive = [_group(target, group) for target in ctx.attr.images]) for group in PROVENANCE_GROUPS}
        ),
        ImageIndexInfo(label = display_label(ctx.label), index = index, digest = digest, images = images),
    ]

_lepton_image_index = rule(
    implementation = _lepton_image_index_impl,
    doc = _DOC,
    attrs = OCI_ATTRS | {
        "annotations": attr.string_dict(doc = "Annotations of the index."),
        "images": attr.label_list(mandatory = True, providers = [ImageInfo], doc = "The images, each for another platform."),
        "model_name": attr.string(doc = "What the index is called where it is loaded. Default: the first image's model."),
        "version": attr.string(default = "1", doc = "Its version there."),
    },
)

def lepton_image_index(name, images = [], hardware = {}, artifact = {}, image = {}, **kwargs):
    """One name for the images of several platforms, and the runnables `<name>.load`, `<name>.push`, `<name>.digest`, `<name>.sign` and `<name>.verify`.

    The images are there already, or made here, one artifact and one image for each chip:

        lepton_image_index(
            name = "resnet_image",
            artifact = {"model": ":resnet", "recipe": ":int8"},
            hardware = {
                "//plugins/onnxruntime:cpu_vnni": {"platform": "linux/amd64", "base": "@base_amd64"},
                "//hardware:graviton": {"platform": "linux/arm64", "base": "@base_arm64"},
            },
        )

    Args:
      name: the target's name.
      images: list of lepton_image, each for another platform.
      hardware: dict of a lepton_hardware to the attributes of its image, `platform` among them.
      artifact: dict of lepton_artifact's attributes, but `name` and `hardware`.
      image: dict of lepton_image's attributes that all the images share.
      **kwargs: Bazel's common attributes, and `annotations`, `model_name`, `version`, `repository`.
    """
    label = native.package_relative_label(":" + name)
    if bool(images) == bool(hardware):
        fail(message("images", label, "images and hardware are {} given".format("both" if images else "not"), "Give one of them"))
    if hardware and not artifact.get("model"):
        fail(message("artifact", label, "it has no model", "Write artifact = {\"model\": \":model\", \"recipe\": \":recipe\"}"))
    made = []
    repository = kwargs.pop("repository", None)
    common = {key: kwargs[key] for key in ["visibility", "testonly", "tags", "target_compatible_with"] if key in kwargs}
    model_name = kwargs.get("model_name") or name
    for chip, own in hardware.items():
        if not own.get("platform"):
            fail(message("hardware", label, "{} has no platform".format(chip), "Write {{{}: {{\"platform\": \"linux/arm64\"}}}}".format(repr(chip))))
        part = "{}_{}".format(name, own["platform"].replace("/", "_"))
        lepton_artifact(name = part + "_artifact", hardware = chip, **(common | artifact))
        lepton_image(name = part, artifact = ":{}_artifact".format(part), **(common | {"model_name": model_name} | image | own))
        made.append(":" + part)
    _lepton_image_index(name = name, images = list(images) + made, **(kwargs | ({"model_name": model_name} if hardware else {})))
    image_runnables(
        name,
        tag_of(model_name, kwargs.get("version") or "1"),
        repository,
        **{key: value for key, value in common.items() if key != "tags"}
    )
    image_signing(name, repository = repository, **{key: value for key, value in common.items() if key != "tags"})
