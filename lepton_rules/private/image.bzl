"""lepton_image: a model in an OCI image, as layers and metadata."""

load("//lepton_rules:pass.bzl", "lepton_component")
load("//lepton_rules/private/providers:environment_info.bzl", "EnvironmentInfo")
load("//lepton_rules/private/providers:image_info.bzl", "ImageInfo")
load("//lepton_rules/private/providers:layers_info.bzl", "LayersInfo")
load("//lepton_rules/private/providers:metrics_info.bzl", "MetricsInfo")
load("//lepton_rules/private/providers:model_info.bzl", "ModelInfo")
load("//lepton_rules/private/providers:plugin_info.bzl", "PluginInfo")
load("//lepton_rules/private/providers:run_settings_info.bzl", "RunSettingsInfo")
load(":components.bzl", "component_attributes", "decode_components")
load(":config.bzl", "resolve_config")
load(":image_runnables.bzl", "image_runnables")
load(":messages.bzl", "display_label", "message", "near_miss")
load(":oci_action.bzl", "OCI_ATTRS", "layout_files", "oci_run", "store_flags")
load(":one_line.bzl", "check_one_line", "check_variables")
load(":provenance.bzl", "PROVENANCE_ATTRS", "provenance")
load(":run.bzl", "directory_flag", "lepton_run")
load(":signing.bzl", "image_signing")

_DOC = """A model in an OCI image, made without a daemon and the same byte for byte wherever it is made.

Default outputs are small: manifest, configuration, digest and the layers' descriptors. Each layer is a file of its own, and the layer of the
model depends on the model alone, so that a label or an option of the server touches no weight. The output group `layout` is the OCI layout
directory, `tarball` the tar that `docker load` takes, `layers` the layers themselves. `provenance` is a statement of in-toto with SLSA's
provenance, `sbom` a bill of materials of CycloneDX with a model card, `checksums` lists for sha256sum.
"""

# What a packager names and the rule has; a target gives others in `files`.
_SOURCES = ["manifest", "model", "server"]
_COMPRESSIONS = ["gzip", "none", "zstd"]
_NAME = "abcdefghijklmnopqrstuvwxyz0123456789_.-"

SERVER = lepton_component(kind = "packager", plugin = Label("//plugins/oci"), name = "server", config = {})

IMAGE_ATTRS = OCI_ATTRS | PROVENANCE_ATTRS | {
    "annotations": attr.string_dict(doc = "Annotations of the manifest; they win over those that the rule writes."),
    "artifact": attr.label(mandatory = True, providers = [ModelInfo], doc = "The lepton_artifact, or a lepton_model."),
    "base": attr.label(allow_files = True, doc = "What the image is put on: a lepton.debian_base, or any OCI layout directory, such as rules_oci's and rules_img's images are. Without one, nothing."),
    "compression": attr.string(default = "zstd", doc = "Of layers that a packager says shrink: `zstd`, `gzip` or `none`. Weights are never compressed. Docker before 23 and containerd before 1.5 pull no zstd."),
    "env": attr.string_dict(doc = "Variables of the container; they win over the packager's."),
    "environment": attr.label(providers = [LayersInfo], doc = "The layers of the serving environment, which images share."),
    "files": attr.label_keyed_string_dict(allow_files = True, doc = "What else the packager packs, by the names that its layers give it, such as `{\":labels\": \"labels\"}`."),
    "labels": attr.string_dict(doc = "Labels of the configuration; they win over those that the rule writes."),
    "model_name": attr.string(doc = "What the model is called in the image and by the server. Default: the artifact's name."),
    "packager": attr.string_list(doc = "Set by the macro."),
    "packager_plugins": attr.label_list(providers = [PluginInfo], doc = "Set by the macro."),
    "platform": attr.string(doc = "`os/architecture` or `os/architecture/variant`, such as `linux/arm64`. Default: the base's or the environment's, else `linux/amd64`."),
    "repository": attr.string(doc = "Where `.push` sends it unless the user says otherwise."),
    "revision_key": attr.string(default = "STABLE_GIT_COMMIT", doc = "The key of the workspace status that is the revision. Only with `--stamp` is there one; empty for none."),
    "stamp": attr.bool(doc = "Set by the macro: whether Bazel runs with --stamp."),
    "title": attr.string(doc = "The image's title. Default: the model's name."),
    "version": attr.string(default = "1", doc = "The model's version, as the server tells it."),
    "_oci": attr.label(default = Label("@lepton_rules_oci//:environment"), providers = [EnvironmentInfo], cfg = "exec"),
    "_server": attr.label(default = Label("//lepton_rules/oci:server")),
}

def check_name(ctx, attribute, value):
    """Fails unless a value can be part of a path in an image, of a tag and of a URL.

    Args:
      ctx: the rule's context.
      attribute: string, for the message.
      value: string.
    """
    if not value or len(value) > 63 or value.lower().strip(_NAME) or not value[0].isalnum() or ".." in value:
        fail(message(
            attribute,
            ctx.label,
            "{} is no name for a path, a tag and an address".format(repr(value)),
            "Use at most 63 ASCII letters, digits, '_', '.' and '-', a letter or a digit first",
        ))

def parse_platform(ctx, text, attribute = "platform"):
    """A platform as OCI writes it.

    Args:
      ctx: the rule's context.
      text: string: `os/architecture[/variant]`.
      attribute: string, for the message.

    Returns:
      dict.
    """
    parts = text.split("/")
    if len(parts) not in [2, 3] or [part for part in parts if not part or part.lower() != part or part.strip(_NAME)]:
        fail(message(attribute, ctx.label, "{} is no platform".format(repr(text)), "Write os/architecture, such as linux/amd64"))
    return {"architecture": parts[1], "os": parts[0]} | ({"variant": parts[2]} if len(parts) == 3 else {})

def _platform_text(platform):
    return "/".join([platform[key] for key in ["os", "architecture", "variant"] if platform.get(key)])

def _platform(ctx):
    """The image's platform: the attribute's, else that of the layers below, which must agree."""
    wanted = parse_platform(ctx, ctx.attr.platform) if ctx.attr.platform else None
    origin = "platform"
    for attribute in ["base", "environment"]:
        target = getattr(ctx.attr, attribute)
        below = target[LayersInfo].platform if target and LayersInfo in target else None
        if not below:
            continue
        if wanted and [key for key in ["os", "architecture"] if below[key] != wanted[key]]:
            fail(message(
                attribute,
                ctx.label,
                "{} is for {}, and {} says {}".format(display_label(target.label), _platform_text(below), origin, _platform_text(wanted)),
                "Take one for {}, or change {}".format(_platform_text(wanted), origin),
            ))
        if not wanted:
            wanted, origin = below, attribute
    return wanted or {"architecture": "amd64", "os": "linux"}

def _packager(ctx, model):
    found = decode_components(ctx, ctx.attr.packager_plugins, ctx.attr.packager, ["packager"])
    packager = found[0]
    name = "{}.{}".format(packager.plugin.name, packager.name)
    accepted = packager.descriptor["consumes"]
    if accepted and model.format not in accepted:
        fail(message(
            "packager {}".format(name),
            ctx.label,
            "{} is {}, accepted is {}".format(model.label, model.format, ", ".join(accepted)),
            "Choose another packager, or hardware that takes another format",
        ))
    if packager.descriptor["serves"] and not model.hardware:
        fail(message(
            "artifact",
            ctx.label,
            "{} names no hardware, so that nothing says what runs it, and the packager {} serves it".format(model.label, name),
            "Name a lepton_artifact, or choose a packager that does not serve, such as oci.modelcar()",
        ))
    schema = packager.descriptor["config"]
    resolved = resolve_config(name, ctx.label, schema, [struct(origin = "the image", config = packager.config)])
    return struct(name = packager.name, qualified = name, plugin = packager.plugin, descriptor = packager.descriptor, config = resolved.config, version = schema["version"])

def _extra_files(ctx, packager):
    """dict of name to depset of File, of what the target gives beside the model."""
    wanted = {source: None for layer in packager.descriptor["layers"] for source in layer["sources"] if source not in _SOURCES}
    given = {}
    for target, name in ctx.attr.files.items():
        if name not in wanted:
            fail(message(
                "files",
                ctx.label,
                "the packager {} packs nothing called {}; {}".format(packager.qualified, repr(name), near_miss(name, wanted.keys())),
                "Correct the name, or remove it",
            ))
        if name in given:
            fail(message("files", ctx.label, "{} is given twice".format(repr(name)), "Give it once"))
        given[name] = target[DefaultInfo].files
    for name in wanted:
        if name not in given:
            fail(message(
                "files",
                ctx.label,
                "the packager {} packs {}, and nothing is given for it".format(packager.qualified, repr(name)),
                "Write files = {{\"//some:target\": {}}}".format(repr(name)),
            ))
    return given

def _plan(ctx, model, packager, model_name):
    """The packager's action: a plan for each layer, and the rest of the package."""
    layers = {
        layer["name"]: ctx.actions.declare_file("{}/{}.plan.json".format(ctx.label.name, layer["name"]))
        for layer in packager.descriptor["layers"]
    }
    package = ctx.actions.declare_file(ctx.label.name + "/package.json")
    args = ctx.actions.args()
    args.add_all([
        "--plugin=" + packager.plugin.name,
        "--plugin_entry=" + packager.plugin.entry,
        "--component=" + packager.name,
        "--config=" + json.encode(packager.config),
        "--config_version={}".format(packager.version),
        "--name=" + model_name,
        "--version=" + ctx.attr.version,
    ])
    if model.hardware:
        args.add("--hardware=" + model.hardware.facts)
        runtime = {"entry": model.hardware.plugin.entry, "name": model.hardware.runtime, "plugin": model.hardware.plugin.name}
        args.add("--runtime=" + json.encode(runtime))
    args.add(model.manifest, format = "--model_manifest=%s")
    for name, file in layers.items():
        args.add(file, format = "--output_layer={}=%s".format(name))
    args.add(package, format = "--output_package=%s")
    lepton_run(
        ctx,
        action = "package_layer",
        environment = packager.plugin.environment,
        args = args,
        inputs = [model.manifest],
        outputs = layers.values() + [package],
        progress = packager.qualified,
        preload = packager.plugin.preload,
        roots = packager.plugin.roots,
        sources = packager.plugin.sources,
    )
    return struct(layers = layers, package = package)

def _write_layer(ctx, layer, plan, model, files):
    """The action of one layer: it depends on its plan and on what it packs."""
    blob = ctx.actions.declare_file("{}/{}.layer".format(ctx.label.name, layer["name"]))
    descriptor = ctx.actions.declare_file("{}/{}.descriptor.json".format(ctx.label.name, layer["name"]))
    args = ctx.actions.args()
    args.add(plan, format = "--plan=%s")
    args.add("--label=" + display_label(ctx.label))
    direct = [plan]
    transitive = []
    for source in layer["sources"]:
        if source == "model":
            directory_flag(args, "tree=model", model.directory)
            direct.append(model.directory)
        elif source == "manifest":
            args.add(model.manifest, format = "--tree=manifest=%s")
            direct.append(model.manifest)
        elif source == "server":
            settings = ctx.attr._run[RunSettingsInfo]
            server = ctx.attr._server[DefaultInfo].files
            runtime = model.hardware.plugin if model.hardware else None
            roots = {root: None for root in [settings.root] + ctx.attr._server[_SourcesInfo].roots + (runtime.roots if runtime else [])}
            args.add_all(roots.keys(), format_each = "--root=%s")
            sources = depset(transitive = [server] + ([runtime.sources] if runtime else []))
            args.add_all(sources, format_each = "--file=server=%s")
            transitive.append(sources)
        else:
            args.add_all(files[source], expand_directories = False, format_each = "--tree={}=%s".format(source))
            transitive.append(files[source])
    args.add("--compression=" + ctx.attr.compression)
    args.add(blob, format = "--output_blob=%s")
    args.add(descriptor, format = "--output_descriptor=%s")
    oci_run(
        ctx,
        program = ctx.file._make_layer,
        args = args,
        inputs = depset(direct, transitive = transitive),
        outputs = [blob, descriptor],
        mnemonic = "LeptonLayer",
        progress = "layer {}".format(layer["name"]),
        # Who never asks for zstd never builds its environment.
        environment = ctx.attr._oci[EnvironmentInfo] if ctx.attr.compression == "zstd" else None,
        sources = ctx.attr._layer_sources[DefaultInfo].files,
    )
    return struct(blob = blob, descriptor = descriptor)

def _read_base(ctx, platform):
    """The action that reads a base which is a layout: all of it is checked once, and the image needs only facts."""
    layouts = ctx.files.base
    if not layouts:
        fail(message("base", ctx.label, "{} has no files".format(display_label(ctx.attr.base.label)), "Name an OCI layout directory, or a lepton.debian_base"))
    named = layout_files(layouts)
    if len(named) != 1:
        fail(message(
            "base",
            ctx.label,
            "{} has {} files, and none or several are an index.json".format(display_label(ctx.attr.base.label), len(layouts)),
            "Name one OCI layout directory, or a filegroup of all its files",
        ))
    base = ctx.actions.declare_file(ctx.label.name + "/base.json")
    args = ctx.actions.args()
    args.add("--label=" + display_label(ctx.label))
    args.add_all(named, expand_directories = False, format_each = "--layout=%s")
    args.add("--platform=" + json.encode(platform))
    args.add(base, format = "--output=%s")
    oci_run(
        ctx,
        program = ctx.file._make_base,
        args = args,
        inputs = layouts,
        outputs = [base],
        mnemonic = "LeptonBase",
        progress = "base",
    )
    return base

def _make_image(ctx, model, plan, layers, below, base, platform, title):
    """The action of the image itself: a few KB of JSON in, a few KB out."""
    outputs = struct(
        config = ctx.actions.declare_file(ctx.label.name + "/config.json"),
        manifest = ctx.actions.declare_file(ctx.label.name + "/manifest.json"),
        digest = ctx.actions.declare_file(ctx.label.name + "/digest"),
    )
    args = ctx.actions.args()
    args.add_all([
        "--label=" + display_label(ctx.label),
        "--title=" + title,
        "--version=" + ctx.attr.version,
        "--platform=" + json.encode(platform),
        "--labels=" + json.encode(ctx.attr.labels),
        "--annotations=" + json.encode(ctx.attr.annotations),
        "--environment=" + json.encode(ctx.attr.env),
    ])
    inputs = [plan.package] + [step.manifest for step in model.steps]
    args.add(plan.package, format = "--package=%s")
    args.add_all([step.manifest for step in model.steps], format_each = "--model_manifest=%s", uniquify = False)
    if MetricsInfo in ctx.attr.artifact:
        metrics = ctx.attr.artifact[MetricsInfo].metrics
        args.add(metrics, format = "--metrics=%s")
        inputs.append(metrics)
    if base:
        args.add(base, format = "--base=%s")
        inputs.append(base)
    for info in below:
        if info.config:
            args.add(info.config, format = "--base_config=%s")
            inputs.append(info.config)
    for name, layer in layers:
        args.add(layer.descriptor, format = "--layer={}=%s".format(name))
        inputs.append(layer.descriptor)
    if ctx.attr.stamp and ctx.attr.revision_key:
        args.add(ctx.info_file, format = "--status=%s")
        args.add("--revision_key=" + ctx.attr.revision_key)
        inputs.append(ctx.info_file)
    args.add(outputs.config, format = "--output_config=%s")
    args.add(outputs.manifest, format = "--output_manifest=%s")
    args.add(outputs.digest, format = "--output_digest=%s")
    oci_run(
        ctx,
        program = ctx.file._make_image,
        args = args,
        inputs = inputs,
        outputs = [outputs.config, outputs.manifest, outputs.digest],
        mnemonic = "LeptonImage",
        progress = "image",
    )
    return outputs

def assembled(ctx, images, index, tag):
    """Declares the output groups that hold a whole image.

    Args:
      ctx: the rule's context; the rule has OCI_ATTRS.
      images: list of ImageInfo.
      index: File or None.
      tag: string: `repository:tag`.

    Returns:
      struct(layout = File, tarball = File).
    """
    layout = ctx.actions.declare_directory(ctx.label.name + ".layout")
    tarball = ctx.actions.declare_file(ctx.label.name + ".tar")
    for program, output, mnemonic, local in [
        (ctx.file._make_layout, layout, "LeptonLayout", True),
        (ctx.file._make_archive, tarball, "LeptonTarball", False),
    ]:
        args = ctx.actions.args()
        args.add("--label=" + display_label(ctx.label))
        args.add("--name=" + tag)
        inputs = store_flags(args, images, index)
        args.add_all([output], expand_directories = False, format_each = "--output=%s")
        oci_run(
            ctx,
            program = program,
            args = args,
            inputs = inputs,
            outputs = [output],
            mnemonic = mnemonic,
            progress = "layout" if output == layout else "tarball",
            local = local,
        )
    return struct(layout = layout, tarball = tarball)

def tag_of(name, version):
    """What an image is called on the machine that it is loaded on.

    Args:
      name: string: the model's.
      version: string.

    Returns:
      string.
    """
    repository = name.lower()

    # Separators stand alone between letters and digits in a repository's name.
    for separator in ["_.", "._", "-.", ".-", "-_", "_-"]:
        repository = repository.replace(separator, "-")
    return "localhost/{}:{}".format(repository.strip("_.-"), version)

def _origin(ctx, info, below, packager):
    """The output groups that tell what the image is made of and where it comes from."""
    parameters = {
        attribute: getattr(ctx.attr, attribute)
        for attribute in ["annotations", "compression", "env", "labels", "title", "version"]
        if getattr(ctx.attr, attribute)
    }
    for attribute in ["artifact", "base", "environment"]:
        target = getattr(ctx.attr, attribute)
        if target:
            parameters[attribute] = display_label(target.label)
    return provenance(
        ctx,
        image = info,
        metrics = ctx.attr.artifact[MetricsInfo].metrics if MetricsInfo in ctx.attr.artifact else None,
        packages = [package for layers in below for package in layers.packages],
        parameters = parameters | {"packager": {"config": packager.config, "name": packager.qualified}},
    )

def _lepton_image_impl(ctx):
    model = ctx.attr.artifact[ModelInfo]
    if ctx.attr._run[RunSettingsInfo].on_device:
        # Only asked whether its chip is here: see device_transition.bzl.
        return []
    if ctx.attr.compression not in _COMPRESSIONS:
        fail(message("compression", ctx.label, "{}; {}".format(repr(ctx.attr.compression), near_miss(ctx.attr.compression, _COMPRESSIONS)), "Choose gzip, zstd or none"))
    model_name = ctx.attr.model_name or ctx.attr.artifact.label.name
    check_name(ctx, "model_name", model_name)
    check_name(ctx, "version", ctx.attr.version)
    for attribute in ["annotations", "labels", "platform", "repository", "revision_key", "title"]:
        check_one_line(ctx, attribute, getattr(ctx.attr, attribute))
    check_variables(ctx, "env", ctx.attr.env)
    packager = _packager(ctx, model)
    platform = _platform(ctx)
    plan = _plan(ctx, model, packager, model_name)
    extra = _extra_files(ctx, packager)

    below = []
    base = None
    layouts = []
    if ctx.attr.base:
        if LayersInfo in ctx.attr.base:
            below.append(ctx.attr.base[LayersInfo])
        else:
            base = _read_base(ctx, platform)
            layouts = ctx.files.base
    if ctx.attr.environment:
        below.append(ctx.attr.environment[LayersInfo])
    layers = []
    for attribute, info in zip(["base", "environment"] if len(below) == 2 else ["environment" if base or not ctx.attr.base else "base"], below):
        layers += [(attribute, layer) for layer in info.layers]
    for layer in packager.descriptor["layers"]:
        layers.append((layer["name"], _write_layer(ctx, layer, plan.layers[layer["name"]], model, extra)))
    files = _make_image(ctx, model, plan, layers, below, base, platform, ctx.attr.title or model_name)
    info = ImageInfo(
        name = model_name,
        label = display_label(ctx.label),
        manifest = files.manifest,
        config = files.config,
        digest = files.digest,
        layers = [layer for _, layer in layers],
        layouts = layouts,
        platform = platform,
        model_manifest = model.manifest,
    )
    whole = assembled(ctx, [info], None, tag_of(model_name, ctx.attr.version))
    descriptors = [layer.descriptor for layer in info.layers]
    return [
        DefaultInfo(files = depset([files.manifest, files.config, files.digest] + descriptors)),
        OutputGroupInfo(
            digest = depset([files.digest]),
            layers = depset([layer.blob for layer in info.layers]),
            layout = depset([whole.layout]),
            tarball = depset([whole.tarball]),
            **_origin(ctx, info, below, packager)
        ),
        info,
    ]

_SourcesInfo = provider(
    doc = "Python sources for an image, and where they are imported from.",
    fields = {"roots": "list of string: directories relative to the execution root."},
)

def _image_sources_impl(ctx):
    roots = []
    for directory in ctx.attr.roots:
        roots.append("/".join([part for part in [ctx.label.workspace_root, directory] if part]) or ".")
    return [
        DefaultInfo(files = depset(ctx.files.srcs)),
        _SourcesInfo(roots = roots),
    ]

lepton_image_sources = rule(
    implementation = _image_sources_impl,
    doc = "Python sources that a packager calls `server`.",
    attrs = {
        "roots": attr.string_list(doc = "Directories of this repository that they are imported from."),
        "srcs": attr.label_list(allow_files = True, mandatory = True, doc = "The sources."),
    },
)

_lepton_image = rule(
    implementation = _lepton_image_impl,
    doc = _DOC,
    attrs = IMAGE_ATTRS,
)

def declare_image(name, artifact, packager, loads = True, **kwargs):
    """Declares the target of an image and its runnables: what lepton_image and lepton_model_oci share.

    Args:
      name: the target's name.
      artifact: the model.
      packager: what a plugin's constructor returned.
      loads: whether a container engine can load it.
      **kwargs: of the rule.
    """
    component = component_attributes("packager", name, [packager])
    _lepton_image(
        name = name,
        artifact = artifact,
        packager = component.json,
        packager_plugins = component.plugins,
        stamp = select({
            Label("//lepton_rules/oci:stamped"): True,
            "//conditions:default": False,
        }),
        **kwargs
    )
    model_name = kwargs.get("model_name") or native.package_relative_label(artifact).name
    image_runnables(name, tag_of(model_name, kwargs.get("version") or "1"), loads = loads, **kwargs_of_runnables(kwargs))
    image_signing(name, artifact, **{key: value for key, value in kwargs_of_runnables(kwargs).items() if value != None})

def kwargs_of_runnables(kwargs):
    """The attributes that an image's runnables take from it.

    Args:
      kwargs: dict.

    Returns:
      dict.
    """
    return {
        key: kwargs.get(key)
        for key in ["repository", "visibility", "testonly", "target_compatible_with"]
    }

def lepton_image(name, artifact, base = None, environment = None, packager = None, **kwargs):
    """A model in an OCI image, and the runnables `<name>.load`, `<name>.push`, `<name>.digest`, `<name>.sign` and `<name>.verify`.

    Args:
      name: the target's name.
      artifact: the lepton_artifact that is served.
      base: what the image is put on: a lepton.debian_base, or any OCI layout directory.
      environment: the layers of the serving environment, which images share.
      packager: what a plugin's constructor returns. Default: `oci.server()` of `//plugins/oci:passes.bzl`.
      **kwargs: Bazel's common attributes, and
        `compression`: of layers that shrink: `zstd` (the default), `gzip` or `none`;
        `labels`, `annotations`: of the configuration and of the manifest, dicts;
        `title`, `version`, `model_name`: what the image and the model are called;
        `env`: variables of the container;
        `platform`: such as `linux/arm64`; default: the base's;
        `files`: what else the packager packs, targets by its names;
        `repository`: where `.push` sends it unless the user says otherwise;
        `revision_key`: the key of the workspace status whose value is the revision, with --stamp.
    """
    declare_image(
        name = name,
        artifact = artifact,
        packager = packager or SERVER,
        base = base,
        environment = environment,
        **kwargs
    )
