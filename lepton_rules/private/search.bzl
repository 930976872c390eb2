"""The space that a recipe declares for `<artifact>.tune`: a list is a choice, a tuple a range, all else is fixed."""

load("//lepton_rules/private/providers:plugin_info.bzl", "PluginInfo")
load(":components.bzl", "component_attributes", "descriptor_of")
load(":config.bzl", "check_config")
load(":messages.bzl", "message", "near_miss")

SEARCH_ATTRS = {
    "search": attr.string_list(doc = "Set by the macro."),
    "search_plugins": attr.label_list(providers = [PluginInfo], doc = "Set by the macro."),
    "search_without": attr.string_list(doc = "Passes that `<artifact>.tune` may leave out, such as `onnx.smooth_quant`."),
}

def _spread(value):
    # JSON has no tuples, so what a value means is said here.
    if type(value) == "list":
        return {"choices": value}
    if type(value) == "tuple":
        return {"range": list(value)}
    return {"choices": [value]}

def search_attributes(name, search):
    """Splits a space into what attributes can hold. Call it in a macro.

    Args:
      name: string: the target, for messages.
      search: list of what a plugin's constructors return, with lists and tuples for values.

    Returns:
      struct(plugins, json): see component_attributes.
    """
    spread = []
    for component in search if type(search) in ["list", "tuple"] else []:
        if type(component) == "struct" and hasattr(component, "lepton_component"):
            component = struct(
                lepton_component = component.lepton_component,
                plugin = component.plugin,
                name = component.name,
                config = {key: _spread(value) for key, value in component.config.items()},
                unknown = component.unknown,
            )
        spread.append(component)
    return component_attributes("search", name, spread if type(search) in ["list", "tuple"] else search)

def _check_option(qualified, label, schema, key, option):
    what = "search of {} of {}".format(key, qualified)
    if key not in schema["fields"]:
        check_config(qualified, label, schema, {key: None})
    if "range" in option:
        field = schema["fields"][key]
        bounds = option["range"]
        if field["type"] not in ["float", "int"]:
            fail(message(what, label, "a tuple is a range of numbers, and the option takes none", "Write a list of choices"))
        if len(bounds) != 2 or [bound for bound in bounds if type(bound) not in ["float", "int"]] or not bounds[0] < bounds[1]:
            fail(message(what, label, "{} is no range".format(bounds), "Write (low, high), two numbers, the lower first"))
        values = bounds
    else:
        values = option["choices"]
        if not values:
            fail(message(what, label, "there is no choice", "Write at least one"))
    for value in values:
        check_config(qualified, label, schema, {key: value})

def _decode_entry(plugin, component, label):
    """One entry, checked against the plugin's schema.

    Args:
      plugin: PluginInfo, or what has its `name` and `descriptors`.
      component: dict: what search_attributes encoded.
      label: Label: the target, for messages.

    Returns:
      struct(name, qualified, options).
    """
    qualified = "{}.{}".format(plugin.name, component["name"])
    schema = descriptor_of(plugin, component["kind"], component["name"], label)["config"]
    check_config(qualified, label, schema, {}, component["unknown"])
    for key, option in component["config"].items():
        _check_option(qualified, label, schema, key, option)
    return struct(name = component["name"], qualified = qualified, options = component["config"])

def plugin_search(plugin, search, label):
    """What a plugin says of its own passes: the space where no recipe declares another.

    Args:
      plugin: struct(name, descriptors).
      search: list of string: what search_attributes encoded.
      label: Label: the lepton_plugin.

    Returns:
      dict of a pass's name to its alternatives: list of dict of option to {"choices": [...]} or {"range": [low, high]}.
    """
    found = {}
    for text in search:
        entry = _decode_entry(plugin, json.decode(text), label)
        found.setdefault(entry.name, []).append(entry.options)
    return found

def decode_search(ctx, known):
    """The declared space, in a rule's implementation, checked against the plugins' schemas.

    Args:
      ctx: the rule's context; the rule has SEARCH_ATTRS.
      known: list of string: `plugin.pass` of the recipe's steps.

    Returns:
      struct(search = list of struct(qualified, options = dict of option to {"choices": [...]} or {"range": [low, high]}), without = list of string).
    """
    result = []
    for text in ctx.attr.search:
        component = json.decode(text)
        plugin = ctx.attr.search_plugins[int(component["plugin"])][PluginInfo]
        qualified = "{}.{}".format(plugin.name, component["name"])
        if qualified not in known:
            fail(message("search", ctx.label, "the recipe has no {}; {}".format(qualified, near_miss(qualified, known)), "Name a pass of the recipe"))
        entry = _decode_entry(plugin, component, ctx.label)
        result.append(struct(qualified = entry.qualified, options = entry.options))
    for qualified in ctx.attr.search_without:
        if qualified not in known:
            fail(message("search_without", ctx.label, "the recipe has no {}; {}".format(qualified, near_miss(qualified, known)), "Name a pass of the recipe"))
    return struct(search = result, without = ctx.attr.search_without)
