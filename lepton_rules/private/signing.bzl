"""The runnables `<image>.sign` and `<image>.verify`."""

load("@bazel_skylib//lib:shell.bzl", "shell")
load("//lepton_rules/private/providers:environment_info.bzl", "EnvironmentInfo")
load("//lepton_rules/private/providers:image_info.bzl", "ImageIndexInfo", "ImageInfo")
load("//lepton_rules/private/providers:model_info.bzl", "ModelInfo")
load("//lepton_rules/private/providers:run_settings_info.bzl", "RunSettingsInfo")
load(":launcher.bzl", "runfile", "write_launcher")
load(":messages.bzl", "display_label")
load(":run.bzl", "RUN_ATTRS")

def _signing_tool_impl(ctx):
    environment = ctx.attr._environment[EnvironmentInfo]
    index = ImageIndexInfo in ctx.attr.image
    digest = (ctx.attr.image[ImageIndexInfo] if index else ctx.attr.image[ImageInfo]).digest
    files = [ctx.file.program, environment.directory, environment.launcher, digest]
    arguments = [
        "--built_label=" + shell.quote(display_label(ctx.attr.image.label)),
        "--built_repository=" + shell.quote(ctx.attr.repository),
        "--built_digest=" + runfile(ctx, digest),
    ]
    if not index:
        model = ctx.attr.artifact[ModelInfo]
        arguments += [
            "--built_name=" + shell.quote(ctx.attr.image[ImageInfo].name),
            "--built_model=" + runfile(ctx, model.directory),
            "--built_manifest=" + runfile(ctx, model.manifest),
        ]
        files += [model.directory, model.manifest]
    if not index and ctx.attr.signs:
        # Only what signs it needs it.
        (statement,) = ctx.attr.image[OutputGroupInfo].provenance.to_list()
        arguments.append("--built_statement=" + runfile(ctx, statement))
        files.append(statement)
    launcher = write_launcher(ctx, environment = environment, program = ctx.file.program, arguments = arguments)
    return [DefaultInfo(
        executable = launcher,
        runfiles = ctx.runfiles(
            files = files,
            transitive_files = depset(transitive = [ctx.attr._run[RunSettingsInfo].sources, ctx.attr._sources[DefaultInfo].files]),
        ),
    )]

_signing_tool = rule(
    implementation = _signing_tool_impl,
    doc = "Signs a model and its image, or verifies their signatures.",
    attrs = RUN_ATTRS | {
        "artifact": attr.label(providers = [ModelInfo], doc = "The model in the image; none of an index."),
        "image": attr.label(mandatory = True, providers = [[ImageInfo], [ImageIndexInfo]], doc = "The image, or an index."),
        "program": attr.label(mandatory = True, allow_single_file = [".py"], doc = "sign.py or verify.py."),
        "repository": attr.string(doc = "Where the image is pushed to unless the user says otherwise."),
        "signs": attr.bool(doc = "Whether it signs."),
        "_environment": attr.label(default = "@lepton_rules_signing//:environment", providers = [EnvironmentInfo]),
        "_sources": attr.label(default = "//lepton_rules/signing:sources"),
    },
    executable = True,
)

def image_signing(name, artifact = None, repository = None, **kwargs):
    """Declares `<name>.sign` and `<name>.verify`.

    Args:
      name: the image's name.
      artifact: the model in the image; None for an index, of which only the digest is signed.
      repository: string or None: where the image is pushed unless the user says otherwise.
      **kwargs: of Bazel's common attributes, those that a runnable shares with its image.
    """
    for program in ["sign", "verify"]:
        _signing_tool(
            name = "{}.{}".format(name, program),
            artifact = artifact,
            image = ":" + name,
            program = Label("//lepton_rules/signing:{}.py".format(program)),
            repository = repository or "",
            signs = program == "sign",
            tags = ["manual"],
            **kwargs
        )
