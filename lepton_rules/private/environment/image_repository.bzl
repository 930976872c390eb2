"""The repository that holds an environment's packages for an image."""

load("//lepton_rules/private:messages.bzl", "display_label")
load(":architecture.bzl", "layers_build_file")
load(":builder.bzl", "INSTALLER", "run_builder", "watch")
load(":interpreter.bzl", "find_interpreter")

def _image_environment_impl(rctx):
    label = "@{}//:{}".format(rctx.attr.repository, rctx.attr.architecture)
    what = "environment " + rctx.attr.environment_name

    # A path of a label is watched: a changed lock or builder builds the environment again.
    lock = rctx.path(rctx.attr.requirements_lock)
    watch(rctx, rctx.attr._builder)
    python = find_interpreter(rctx, what, label, rctx.attr.python_version, None)
    rctx.report_progress("installing environment {} for {}".format(rctx.attr.environment_name, rctx.attr.architecture))
    facts = run_builder(rctx, python, what, label, {
        "architecture": rctx.attr.architecture,
        "exclude": rctx.attr.exclude,
        "glibc": rctx.attr.glibc,
        "keep": rctx.attr.keep,
        "label": label,
        "lock": str(lock),
        "lock_label": display_label(rctx.attr.requirements_lock),
        "name": rctx.attr.environment_name,
        "package_indexes": rctx.attr.package_indexes,
        "prefix": rctx.attr.prefix.strip("/"),
        "python_sources": rctx.attr.python_sources,
    }, timeout = 3600)
    rctx.file("BUILD.bazel", layers_build_file(
        architecture = rctx.attr.architecture,
        compression = rctx.attr.compression,
        package_kind = "pypi",
        packages = facts["packages"],
    ), executable = False)

image_environment_repository = repository_rule(
    implementation = _image_environment_impl,
    doc = """The packages of one environment for an image of one architecture: `root.tar`, and layers made of it.

    As for `environment_repository`, no index setting is in `environ`.
    """,
    attrs = {
        "architecture": attr.string(mandatory = True, doc = "`amd64` or `arm64`."),
        "compression": attr.string(mandatory = True, doc = "`none`, `gzip` or `zstd`."),
        "environment_name": attr.string(mandatory = True, doc = "The name in the tag."),
        "exclude": attr.string_list(doc = "Globs of files to drop, relative to the directory of packages."),
        "glibc": attr.string(mandatory = True, doc = "The oldest glibc that it must run on."),
        "keep": attr.string_list(doc = "Globs of files to keep although they would be dropped."),
        "package_indexes": attr.string_dict(doc = "An index for a package that this machine's own places lack."),
        "prefix": attr.string(mandatory = True, doc = "The directory of packages in the image."),
        "python_sources": attr.bool(doc = "Whether sources stay beside their bytecode."),
        "python_version": attr.string(mandatory = True, doc = "Version of the base's CPython."),
        "repository": attr.string(mandatory = True, doc = "The name of the tag's repository as a module that uses it writes it."),
        "requirements_lock": attr.label(mandatory = True, allow_single_file = True, doc = "Requirements with versions and hashes."),
        "_builder": attr.label_list(
            default = INSTALLER + [
                Label("//lepton_rules/private/environment/builder:build_image_environment.py"),
                Label("//lepton_rules/private/environment/builder:root.py"),
            ],
        ),
        "_main": attr.label(default = Label("//lepton_rules/private/environment/builder:build_image_environment.py")),
    },
)
