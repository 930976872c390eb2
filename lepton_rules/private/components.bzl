"""Components (`onnx.quantize(…)`) as rule attributes: rules take JSON and labels, not structs."""

load("//lepton_rules/private/providers:plugin_info.bzl", "PluginInfo")
load(":config.bzl", "check_config")
load(":messages.bzl", "message", "near_miss")

_TABLES = {
    "exporter": "exporters",
    "importer": "importers",
    "metric": "metrics",
    "pass": "passes",
}

def component_attributes(where, components):
    """Splits components into what attributes can hold. Call it in a macro.

    Args:
      where: string: the attribute and target, for messages.
      components: list of what a plugin's constructors return.

    Returns:
      struct(plugins = list of Label without repetition, json = list of string).
    """
    plugins = []
    encoded = []
    if type(components) != "list":
        fail("lepton: {}: {} is not a list. Write a list of passes such as [onnx.quantize()].".format(where, type(components)))
    for component in components:
        if type(component) != "struct" or not hasattr(component, "lepton_component"):
            fail("lepton: {}: {} is not a pass. Load the plugin's passes.bzl and call one, such as onnx.quantize().".format(where, repr(component)))
        if component.plugin not in plugins:
            plugins.append(component.plugin)
        encoded.append(json.encode({
            "config": component.config,
            "kind": component.lepton_component,
            "name": component.name,
            "plugin": plugins.index(component.plugin),
            "unknown": component.unknown,
        }))
    return struct(plugins = plugins, json = encoded)

def descriptor_of(plugin, kind, name, label):
    """What the plugin declares of a component.

    Args:
      plugin: PluginInfo.
      kind: string: `pass`, `importer`, `exporter` or `metric`.
      name: string.
      label: Label: the target that asks, for messages.

    Returns:
      dict.
    """
    table = plugin.descriptors[_TABLES[kind]]
    if name not in table:
        fail(message(
            "{} {}.{}".format(kind, plugin.name, name),
            label,
            "{} registers no such {}; {}".format(plugin.label, kind, near_miss(name, table.keys())),
            "Correct its name, or generate the plugin's passes.bzl again",
        ))
    return table[name]

def decode_components(ctx, plugins, encoded, kinds):
    """The components again, in a rule's implementation, checked against their plugins' schemas.

    Args:
      ctx: the rule's context.
      plugins: list of Target with PluginInfo, in the order component_attributes gave.
      encoded: list of string, from component_attributes.
      kinds: list of string: the kinds that this attribute takes.

    Returns:
      list of struct(plugin = PluginInfo, kind, name, config = dict, descriptor = dict).
    """
    result = []
    for text in encoded:
        component = json.decode(text)
        plugin = plugins[int(component["plugin"])][PluginInfo]
        name = "{}.{}".format(plugin.name, component["name"])
        if component["kind"] not in kinds:
            fail(message(name, ctx.label, "it is a {}, and a {} belongs here".format(component["kind"], " or ".join(kinds)), "Use one of the plugin's {}".format(", ".join([_TABLES[k] for k in kinds]))))
        descriptor = descriptor_of(plugin, component["kind"], component["name"], ctx.label)
        check_config(name, ctx.label, descriptor["config"], component["config"], component["unknown"])
        result.append(struct(
            plugin = plugin,
            kind = component["kind"],
            name = component["name"],
            config = component["config"],
            descriptor = descriptor,
        ))
    return result
