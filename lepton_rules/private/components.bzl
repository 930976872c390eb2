"""Components (`onnx.quantize(…)`) as rule attributes: rules take JSON and labels, not structs."""

load("//lepton_rules/private/providers:plugin_info.bzl", "PluginInfo")
load(":config.bzl", "check_config")
load(":messages.bzl", "message", "near_miss")

# What has the same meaning in Starlark, in JSON and in Python.
_JSON_TYPES = ["bool", "dict", "float", "int", "list", "string", "tuple"]

_TABLES = {
    "exporter": "exporters",
    "importer": "importers",
    "metric": "metrics",
    "packager": "packagers",
    "pass": "passes",
}

def _a(kind):
    return ("an " if kind[0] in "aeiou" else "a ") + kind

def _check_encodable(what, label, value):
    if type(value) == "select":
        fail(message(what, label, "it is a select, which no option takes", "Write a target for each case, and select() among them"))
    if type(value) not in _JSON_TYPES:
        fail(message(what, label, "it is {}, which no option takes".format(_a(type(value))), "Give a bool, a number, a string, a list or a dict"))
    elements = value if type(value) in ["list", "tuple"] else value.values() if type(value) == "dict" else [value]
    for element in elements:
        if type(element) == "float" and element - element != 0.0:
            fail(message(what, label, "{} is not a finite number".format(element), "Write a finite number"))

def component_attributes(attribute, name, components):
    """Splits components into what attributes can hold. Call it in a macro.

    Args:
      attribute: string: the attribute, for messages.
      name: string: the target, for messages.
      components: list of what a plugin's constructors return.

    Returns:
      struct(plugins = list of Label without repetition, json = list of string).
    """
    plugins = []
    encoded = []
    label = native.package_relative_label(":" + name)
    if type(components) not in ["list", "tuple"]:
        fail(message(attribute, label, "it is {}, and it takes a list".format(_a(type(components))), "Write a list, such as [onnx.quantize()]"))
    for component in components:
        if type(component) != "struct" or not hasattr(component, "lepton_component"):
            fail(message(attribute, label, "{} is no component of a plugin".format(repr(component)), "Load the plugin's passes.bzl and call one, such as onnx.quantize()"))
        for key, value in component.config.items():
            _check_encodable("{} of {}".format(key, component.name), label, value)
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
      kind: string: `pass`, `importer`, `exporter`, `metric` or `packager`.
      name: string.
      label: Label: the target that asks, for messages.

    Returns:
      dict.
    """

    # A plugin without packagers has no table of them.
    table = plugin.descriptors.get(_TABLES[kind], {})
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
            fail(message(
                name,
                ctx.label,
                "it is {}, and {} belongs here".format(_a(component["kind"]), " or ".join([_a(kind) for kind in kinds])),
                "Use one of the plugin's {}".format(" or ".join([_TABLES[kind] for kind in kinds])),
            ))
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
