"""lepton_plugin: a plugin as a build target."""

load("//lepton_rules/private/providers:environment_info.bzl", "EnvironmentInfo")
load("//lepton_rules/private/providers:plugin_info.bzl", "PluginInfo")
load(":messages.bzl", "display_label", "message", "near_miss")
load(":python_sources.bzl", "python_sources")
load(":search.bzl", "plugin_search", "search_attributes")

_API_VERSION = 1
_NAME = "abcdefghijklmnopqrstuvwxyz0123456789_"
_KINDS = ["exporters", "importers", "metrics", "packagers", "passes", "runtimes", "targets"]

_DOC = """A plugin: Python sources that register passes, importers, exporters, runtimes, metrics, hardware targets or packagers.

Its descriptors come from the generated `passes.bzl`; the contract test proves that the Python code registers the same.
An action that runs one of its components depends on these sources and this environment, and on no other plugin's.
"""

_ATTRS = {
    "checkpoints": attr.string_list(
        default = ["safetensors"],
        doc = "The formats that its module `checkpoint` writes what a training function returns in, for lepton_checkpoint.",
    ),
    "descriptors": attr.string(mandatory = True, doc = "What the plugin registers, as JSON: `DESCRIPTORS` of its passes.bzl."),
    "entry": attr.string(doc = "The Python module that holds the hooks. Default: `lepton_plugin_<name>`."),
    "environment": attr.label(
        mandatory = True,
        cfg = "exec",
        providers = [EnvironmentInfo],
        doc = "The Python environment that its actions run in.",
    ),
    "imports": attr.string_list(default = ["."], doc = "Directories below the package that are put on sys.path."),
    "preload": attr.string_list(doc = "Modules that the worker imports once, before it forks a child for each action."),
    "requires": attr.string_list(doc = "Distributions that the environment must have, such as `onnx`; also checked on an environment that a model brings."),
    "search": attr.string_list(doc = "Set by the macro."),
    "srcs": attr.label_list(allow_files = [".py"], doc = "Python sources, or py_library targets."),
}

def check_requires(ctx, plugin_name, requires, environment):
    """Fails unless the environment has every distribution that the plugin needs.

    Args:
      ctx: the rule's context.
      plugin_name: string.
      requires: list of string.
      environment: EnvironmentInfo.
    """
    for distribution in requires:
        if distribution not in environment.packages:
            fail(message(
                "environment",
                ctx.label,
                "plugin {} requires {}, which the environment {} does not have; {}".format(
                    plugin_name,
                    distribution,
                    environment.name,
                    near_miss(distribution, environment.packages.keys(), listing = "it has"),
                ),
                "Add {} to its requirements_lock".format(distribution),
            ))

def _is_name(text):
    # The rule of lepton_rules.plugin.names: names become parts of files' names.
    return type(text) == "string" and 0 < len(text) and len(text) < 64 and text[0].isalpha() and not text.strip(_NAME)

def _lepton_plugin_impl(ctx):
    descriptors = json.decode(ctx.attr.descriptors, default = None)
    if type(descriptors) != "dict" or "name" not in descriptors:
        fail(message("descriptors", ctx.label, "they are not the JSON of a plugin", "Give DESCRIPTORS of the generated passes.bzl"))
    names = [descriptors["name"]] + [name for kind in _KINDS for name in descriptors.get(kind, {})]
    for name in names:
        if not _is_name(name):
            fail(message(
                "descriptors",
                ctx.label,
                "{} is no name for a plugin or a component".format(repr(name)),
                "Use at most 63 lower case ASCII letters, digits and _, a letter first",
            ))
    for key in descriptors:
        if key not in _KINDS + ["api_version", "name", "version"]:
            fail(message("descriptors", ctx.label, "{} is no kind of component; {}".format(repr(key), near_miss(key, _KINDS)), "Generate passes.bzl again"))
    if descriptors.get("api_version") != _API_VERSION:
        fail(message(
            "plugin {}".format(descriptors["name"]),
            ctx.label,
            "it is written for api_version {}, and this lepton_rules has {}".format(descriptors.get("api_version"), _API_VERSION),
            "Use a release of the plugin for api_version {}".format(_API_VERSION),
        ))
    environment = ctx.attr.environment[EnvironmentInfo]
    check_requires(ctx, descriptors["name"], ctx.attr.requires, environment)
    python = python_sources(ctx, ctx.attr.srcs, ctx.attr.imports)
    return [
        DefaultInfo(files = python.sources, runfiles = ctx.runfiles(transitive_files = python.sources)),
        PluginInfo(
            name = descriptors["name"],
            label = display_label(ctx.label),
            entry = ctx.attr.entry or "lepton_plugin_" + descriptors["name"],
            descriptors = descriptors,
            environment = environment,
            preload = ctx.attr.preload,
            requires = ctx.attr.requires,
            checkpoints = ctx.attr.checkpoints,
            search = plugin_search(struct(name = descriptors["name"], descriptors = descriptors), ctx.attr.search, ctx.label),
            sources = python.sources,
            roots = python.roots,
        ),
    ]

_lepton_plugin = rule(
    implementation = _lepton_plugin_impl,
    doc = _DOC,
    attrs = _ATTRS,
    provides = [PluginInfo],
)

def lepton_plugin(name, descriptors, search = [], **kwargs):
    """A plugin as a build target.

    Args:
      name: the target's name; usually the plugin's.
      descriptors: `DESCRIPTORS` of the plugin's generated passes.bzl.
      search: what `<artifact>.tune` varies of its passes where the recipe declares no space, as lepton_recipe's. A pass that is not here
        is searched over what its schema bounds: bools, choices, few integers, fractions.
      **kwargs: Bazel's common attributes, and
        `srcs`: Python sources, or py_library targets;
        `environment`: the Python environment that its actions run in;
        `entry`: the Python module that holds the hooks (`lepton_plugin_<name>`);
        `imports`: directories below the package that are put on sys.path (`["."]`);
        `preload`: modules that the worker imports once, before it forks a child for each action;
        `checkpoints`: the formats that its module `checkpoint` writes, for lepton_checkpoint (`["safetensors"]`);
        `requires`: distributions that the environment must have; also checked on an environment that a model brings.
    """
    _lepton_plugin(
        name = name,
        descriptors = json.encode(descriptors) if type(descriptors) == "dict" else descriptors,
        search = search_attributes(name, search).json,
        **kwargs
    )
