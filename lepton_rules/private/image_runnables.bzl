"""The runnables of an image: `.load`, `.push` and `.digest`."""

load("@bazel_skylib//lib:shell.bzl", "shell")
load("//lepton_rules/private/providers:environment_info.bzl", "EnvironmentInfo")
load("//lepton_rules/private/providers:image_info.bzl", "ImageIndexInfo", "ImageInfo")
load(":launcher.bzl", "declare_launcher", "runfile")
load(":messages.bzl", "display_label")
load(":oci_action.bzl", "OCI_RUNNABLE_ATTRS", "oci_runnable", "store_words")

_IMAGE = attr.label(mandatory = True, providers = [[ImageInfo], [ImageIndexInfo]], doc = "A lepton_image, lepton_model_oci or lepton_image_index.")

def _words(ctx):
    if ImageIndexInfo in ctx.attr.image:
        index = ctx.attr.image[ImageIndexInfo]
        stored = store_words(ctx, index.images, index.index)
    else:
        stored = store_words(ctx, [ctx.attr.image[ImageInfo]])
    label = "--label=" + shell.quote(display_label(ctx.attr.image.label))
    return struct(words = [label] + stored.words, files = stored.files)

def _load_impl(ctx):
    stored = _words(ctx)
    words = stored.words + ["--name=" + shell.quote(ctx.attr.tag)]

    # An old Docker gets without compression what is in zstd.
    return oci_runnable(ctx, "lepton_rules.oci.load", words, stored.files, ctx.attr._oci[EnvironmentInfo])

_load = rule(
    implementation = _load_impl,
    doc = "Loads an image into Docker or podman, whichever is there.",
    attrs = OCI_RUNNABLE_ATTRS | {
        "image": _IMAGE,
        "tag": attr.string(mandatory = True, doc = "What it is called there: `repository:tag`."),
        "_oci": attr.label(default = Label("@lepton_rules_oci//:environment"), providers = [EnvironmentInfo]),
    },
    executable = True,
)

def _push_impl(ctx):
    stored = _words(ctx)
    words = stored.words
    if ctx.attr.repository:
        words = words + ["--repository=" + shell.quote(ctx.attr.repository)]
    return oci_runnable(ctx, "lepton_rules.oci.push", words, stored.files)

_push = rule(
    implementation = _push_impl,
    doc = "Sends an image to a registry: what that does not have, then the digest, then the tags.",
    attrs = OCI_RUNNABLE_ATTRS | {
        "image": _IMAGE,
        "repository": attr.string(doc = "Where to, unless --repository says otherwise."),
    },
    executable = True,
)

def _digest_impl(ctx):
    digest = (ctx.attr.image[ImageIndexInfo] if ImageIndexInfo in ctx.attr.image else ctx.attr.image[ImageInfo]).digest
    launcher = declare_launcher(ctx)
    ctx.actions.write(
        launcher,
        "#!/bin/sh\nrunfiles=\"${{RUNFILES_DIR:-${{TEST_SRCDIR:-$0.runfiles}}}}\"\nexec cat {}\n".format(runfile(ctx, digest)),
        is_executable = True,
    )
    return [DefaultInfo(executable = launcher, runfiles = ctx.runfiles(files = [digest]))]

_digest = rule(
    implementation = _digest_impl,
    doc = "Prints an image's digest.",
    attrs = {"image": _IMAGE},
    executable = True,
)

def image_runnables(name, tag, repository, loads = True, **kwargs):
    """Declares the runnables of an image.

    Args:
      name: the image's name.
      tag: what it is called where it is loaded.
      repository: string or None: where it is pushed unless the user says otherwise.
      loads: whether a container engine can load it.
      **kwargs: of Bazel's common attributes, those that a runnable shares with its image.
    """
    common = {key: kwargs.get(key) for key in ["visibility", "testonly", "target_compatible_with"] if kwargs.get(key) != None}
    if loads:
        _load(name = name + ".load", image = ":" + name, tag = tag, tags = ["manual"], **common)
    _push(name = name + ".push", image = ":" + name, repository = repository or "", tags = ["manual"], **common)
    _digest(name = name + ".digest", image = ":" + name, tags = ["manual"], **common)
