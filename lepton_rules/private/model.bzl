"""lepton_model: files and weights become a model."""

load("//lepton_rules/private/providers:environment_info.bzl", "EnvironmentInfo")
load("//lepton_rules/private/providers:model_info.bzl", "ModelInfo")
load("//lepton_rules/private/providers:plugin_info.bzl", "PluginInfo")
load(":components.bzl", "component_attributes", "decode_components")
load(":config.bzl", "resolve_config")
load(":messages.bzl", "display_label", "message")
load(":model_files.bzl", "declare_model", "model_flags", "model_providers")
load(":plugin.bzl", "check_requires")
load(":python_sources.bzl", "python_sources")
load(":run.bzl", "RUN_ATTRS", "json_flag", "lepton_run")

_DOC = """Imports a model: a PyTorch module and its weights, an ONNX file, or whatever an importer plugin reads."""

_ATTRS = RUN_ATTRS | {
    "allow_code": attr.bool(doc = "Lets the importer run code that is stored inside the model's files. Recorded in the manifest and as the tag `lepton_allow_code`."),
    "data": attr.label_list(allow_files = True, doc = "The model's files: an `.onnx` file, a folder's files."),
    "environment": attr.label(
        cfg = "exec",
        providers = [EnvironmentInfo],
        doc = "The environment for import and export of this model, where the model needs libraries of its own. Default: the plugin's.",
    ),
    "importer": attr.string(mandatory = True, doc = "Set by the macro."),
    "imports": attr.string_list(default = ["."], doc = "Directories below the package that are put on sys.path."),
    "plugins": attr.label_list(mandatory = True, providers = [PluginInfo], doc = "Set by the macro."),
    "srcs": attr.label_list(allow_files = [".py"], doc = "Python sources that define the model, or py_library targets."),
    "weights": attr.label_list(allow_files = True, doc = "Files of weights: safetensors, or ONNX external data."),
}

def _lepton_model_impl(ctx):
    importer = decode_components(ctx, ctx.attr.plugins, [ctx.attr.importer], ["importer"])[0]
    plugin = importer.plugin
    name = "{}.{}".format(plugin.name, importer.name)
    environment = plugin.environment
    if ctx.attr.environment:
        environment = ctx.attr.environment[EnvironmentInfo]
        check_requires(ctx, plugin.name, plugin.requires, environment)
    if ctx.attr.allow_code and not importer.descriptor["allows_code"]:
        fail(message("allow_code", ctx.label, "importer {} runs no code from a model's files".format(name), "Remove allow_code"))
    config = resolve_config(name, ctx.label, importer.descriptor["config"], [struct(origin = "the model", config = importer.config)]).config
    python = python_sources(ctx, ctx.attr.srcs, ctx.attr.imports)
    if not (ctx.attr.srcs or ctx.attr.data or ctx.attr.weights):
        fail(message("lepton_model", ctx.label, "it has no files", "Give srcs, data or weights"))
    files = declare_model(ctx, ctx.label.name)
    args = ctx.actions.args()
    args.add("--plugin=" + plugin.name)
    args.add("--plugin_entry=" + plugin.entry)
    args.add("--component=" + importer.name)
    json_flag(args, "config", config)
    args.add("--config_version={}".format(importer.descriptor["config"]["version"]))
    args.add("--allow_code={}".format(1 if ctx.attr.allow_code else 0))
    args.add_all(python.sources, format_each = "--source=%s")
    args.add_all(ctx.files.data, format_each = "--source=%s")
    args.add_all(ctx.files.weights, format_each = "--weights=%s")
    args.add_all([files], map_each = model_flags)
    lepton_run(
        ctx,
        action = "import_model",
        environment = environment,
        args = args,
        inputs = ctx.files.data + ctx.files.weights,
        outputs = files.all,
        progress = name,
        preload = plugin.preload,
        roots = plugin.roots + python.roots,
        sources = depset(transitive = [plugin.sources, python.sources]),
    )
    return model_providers(ModelInfo(
        label = display_label(ctx.label),
        format = importer.descriptor["produces"],
        directory = files.directory,
        manifest = files.manifest,
        weights_digest = files.weights_digest,
        plugins = [plugin],
        environment = environment if ctx.attr.environment else None,
        steps = [struct(
            name = name,
            directory = files.directory,
            manifest = files.manifest,
            weights_digest = files.weights_digest,
        )],
    ))

_lepton_model = rule(
    implementation = _lepton_model_impl,
    doc = _DOC,
    attrs = _ATTRS,
    provides = [ModelInfo],
)

def lepton_model(name, importer, tags = None, allow_code = False, **kwargs):
    """Imports a model.

    Args:
      name: the target's name.
      importer: an importer with its options, such as `torch.pytorch(factory = "resnet:resnet18")`.
      tags: Bazel's tags.
      allow_code: lets the importer run code that is stored in the model's files. Tagged, and recorded in the manifest.
      **kwargs: Bazel's common attributes, and
        `srcs`: Python sources that define the model, or py_library targets;
        `data`: the model's files, such as an `.onnx` file;
        `weights`: files of weights, safetensors or ONNX external data;
        `environment`: for import and export of this model, where it needs libraries of its own (the plugin's);
        `imports`: directories below the package that are put on sys.path (`["."]`).
    """
    component = component_attributes("importer", name, [importer])
    _lepton_model(
        name = name,
        importer = component.json[0],
        plugins = component.plugins,
        allow_code = allow_code,
        tags = (tags or []) + (["lepton_allow_code"] if allow_code else []),
        **kwargs
    )
