"""Actions and programs of images: they run Python in a lepton environment, without the worker and without a plugin."""

load("//lepton_rules/private/providers:environment_info.bzl", "EnvironmentInfo")
load("//lepton_rules/private/providers:run_settings_info.bzl", "RunSettingsInfo")
load(":launcher.bzl", "runfile", "runfile_root", "write_launcher")
load(":run.bzl", "RUN_ATTRS")

def _program(name):
    return attr.label(default = Label("//lepton_rules/oci:{}.py".format(name)), allow_single_file = True)

OCI_ATTRS = RUN_ATTRS | {
    "_core": attr.label(default = Label("@lepton_rules_core//:environment"), providers = [EnvironmentInfo], cfg = "exec"),
    "_layer_sources": attr.label(default = Label("//lepton_rules/oci:layer_sources")),
    "_make_archive": _program("make_archive"),
    "_make_base": _program("make_base"),
    "_make_image": _program("make_image"),
    "_make_index": _program("make_index"),
    "_make_layer": _program("make_layer"),
    "_make_layout": _program("make_layout"),
    "_oci_sources": attr.label(default = Label("//lepton_rules/oci:sources")),
}

def oci_run(ctx, *, program, args, inputs, outputs, mnemonic, progress, environment = None, sources = None, local = False):
    """Declares an action that runs one of lepton_rules/oci's programs.

    Args:
      ctx: the rule's context; the rule has OCI_ATTRS.
      program: File: the program.
      args: Args: its flags, one a line.
      inputs: list or depset of File.
      outputs: list of File.
      mnemonic: string.
      progress: string: what the user sees.
      environment: EnvironmentInfo or None: the core environment.
      sources: depset of File or None: all of lepton_rules/oci.
      local: bool: whether it may give the files of others another name, which a sandbox does not let it.
    """
    environment = environment or ctx.attr._core[EnvironmentInfo]
    startup = ctx.actions.args()
    startup.add(program)
    args.use_param_file("@%s", use_always = True)
    args.set_param_file_format("multiline")
    ctx.actions.run(
        executable = environment.launcher,
        arguments = [startup, args],
        tools = [environment.key, environment.launcher],
        inputs = depset(
            [program, environment.directory],
            transitive = [
                inputs if type(inputs) == "depset" else depset(inputs),
                sources or ctx.attr._oci_sources[DefaultInfo].files,
            ],
        ),
        outputs = outputs,
        env = ctx.attr._run[RunSettingsInfo].environment,
        mnemonic = mnemonic,
        progress_message = "Lepton {} %{{label}}".format(progress),
        execution_requirements = {"no-sandbox": "1"} if local else {},
        toolchain = None,
    )

def layout_files(layouts):
    """The files that name layout directories: an index.json stands for the directory that it is in.

    Args:
      layouts: list of File.

    Returns:
      list of File.
    """
    return [file for file in layouts if file.basename == "index.json"] or layouts

def store_flags(args, images, index = None):
    """Adds the flags from which a program knows all of an image.

    Args:
      args: Args.
      images: list of ImageInfo.
      index: File or None: the index over them.

    Returns:
      list of File: what the program reads.
    """
    files = []
    if index:
        args.add(index, format = "--index=%s")
        files.append(index)
    blobs = {}
    for image in images:
        args.add(image.manifest, format = "--manifest=%s")
        args.add(image.config, format = "--config=%s")
        files += [image.manifest, image.config]
        blobs |= {layer.blob: layer for layer in image.layers}
        args.add_all(layout_files(image.layouts), expand_directories = False, format_each = "--layout=%s")
        files += image.layouts
    for layer in blobs.values():
        args.add(layer.blob, format = "--blob=%s")
        args.add(layer.descriptor, format = "--descriptor=%s")
        files += [layer.blob, layer.descriptor]
    return files

def store_words(ctx, images, index = None):
    """The same flags as words of a runnable's program, and the files that it needs.

    Args:
      ctx: the rule's context.
      images: list of ImageInfo.
      index: File or None.

    Returns:
      struct(words = list of quoted shell words, files = list of File).
    """
    words = []
    files = []
    if index:
        words.append("--index=" + runfile(ctx, index))
        files.append(index)
    blobs = {}
    for image in images:
        words += ["--manifest=" + runfile(ctx, image.manifest), "--config=" + runfile(ctx, image.config)]
        files += [image.manifest, image.config] + image.layouts
        words += ["--layout=" + runfile(ctx, layout) for layout in layout_files(image.layouts)]
        blobs |= {layer.blob: layer for layer in image.layers}
    for layer in blobs.values():
        words += ["--blob=" + runfile(ctx, layer.blob), "--descriptor=" + runfile(ctx, layer.descriptor)]
        files += [layer.blob, layer.descriptor]
    return struct(words = words, files = files)

OCI_RUNNABLE_ATTRS = RUN_ATTRS | {
    "_core": attr.label(default = Label("@lepton_rules_core//:environment"), providers = [EnvironmentInfo]),
    "_oci_sources": attr.label(default = Label("//lepton_rules/oci:sources")),
    "_program": attr.label(default = Label("//lepton_rules/private/testing:run_module.py"), allow_single_file = True),
}

def oci_runnable(ctx, module, words, files, environment = None):
    """A program that runs a module of lepton_rules/oci.

    Args:
      ctx: the rule's context; the rule has OCI_RUNNABLE_ATTRS.
      module: string.
      words: list of quoted shell words: flags of the target; the user's come after a `--`.
      files: list of File: what it reads.
      environment: EnvironmentInfo or None: the core environment.

    Returns:
      list of providers.
    """
    environment = environment or ctx.attr._core[EnvironmentInfo]
    root = ctx.attr._run[RunSettingsInfo].root
    return [DefaultInfo(
        executable = write_launcher(
            ctx,
            environment = environment,
            program = ctx.file._program,
            arguments = ["--path=" + runfile_root(ctx, root), "--module=" + module, "--"] + words + ["--"],
        ),
        runfiles = ctx.runfiles(
            files = files + [ctx.file._program, environment.directory, environment.launcher, environment.key],
            transitive_files = ctx.attr._oci_sources[DefaultInfo].files,
        ),
    )]
