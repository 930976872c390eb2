"""Checks a component's configuration against the schema that its plugin declares, before anything runs."""

load(":messages.bzl", "message", "near_miss")

# What the types of a schema are called.
_WORDS = {
    "bool": "a bool",
    "float": "a number",
    "int": "an int",
    "int_list": "a list of ints",
    "string": "a string",
    "string_dict": "a dict of strings to strings",
    "string_list": "a list of strings",
}

def _matches(type_name, value):
    if type_name == "float":
        return type(value) in ["float", "int"]
    if type_name in ["bool", "int", "string"]:
        return type(value) == type_name
    if type_name == "string_list":
        return type(value) == "list" and all([type(v) == "string" for v in value])
    if type_name == "int_list":
        return type(value) == "list" and all([type(v) == "int" for v in value])
    if type_name == "string_dict":
        return type(value) == "dict" and all([type(k) == "string" and type(v) == "string" for k, v in value.items()])
    fail("a schema has the unknown type {}".format(type_name))

def _spelling(value):
    # As JSON and the `requires` table spell it.
    return json.encode(value).strip("\"")

def _check_value(component, label, key, field, value):
    what = "{} of {}".format(key, component)
    if value == None:
        if not field.get("optional", False):
            fail(message(what, label, "it is None, and it takes {}".format(_WORDS[field["type"]]), "Give a value or leave it out"))
        return
    if not _matches(field["type"], value):
        got = "an int" if type(value) == "int" else "a " + type(value)
        wanted = _WORDS[field["type"]]
        fail(message(what, label, "{} is {}, and it takes {}".format(repr(value), got, wanted), "Write it as {}".format(wanted)))
    choices = field.get("choices")
    if choices and value not in choices:
        fail(message(what, label, "{} is none of the choices; {}".format(repr(value), near_miss(str(value), [str(c) for c in choices])), "Choose one of them"))
    minimum = field.get("minimum")
    maximum = field.get("maximum")
    for number in value if type(value) == "list" else [value]:
        if minimum != None and number < minimum:
            fail(message(what, label, "{} is less than {}".format(number, minimum), "Give at least {}".format(minimum)))
        if maximum != None and number > maximum:
            fail(message(what, label, "{} is more than {}".format(number, maximum), "Give at most {}".format(maximum)))

def check_config(component, label, schema, config, unknown = [], fix = "Correct its name, or remove it"):
    """Fails unless `config` fits the schema.

    Args:
      component: string: `plugin.name`, for messages.
      label: Label or string: the target that holds the configuration.
      schema: dict: `{"version": int, "fields": {name: field}}`, as `config_schema` in the SDK gives it.
      config: dict of string to value.
      unknown: list of string: keys that the constructor did not know.
      fix: string: what to do about a key that is not there.
    """
    fields = schema["fields"]
    for key in unknown + [key for key in config if key not in fields]:
        fail(message(
            "{} of {}".format(key, component),
            label,
            "there is no such option; " + near_miss(key, fields.keys()),
            fix,
        ))
    for key, value in config.items():
        _check_value(component, label, key, fields[key], value)

def resolve_config(component, label, schema, layers):
    """The full configuration: plugin default under hardware under recipe under artifact.

    Args:
      component: string: `plugin.name`, for messages.
      label: Label or string: the artifact.
      schema: dict: the component's schema.
      layers: list of struct(origin, config), lowest precedence first.

    Returns:
      struct(config = dict of every field, origins = dict of field to the layer that set it).
    """
    fields = schema["fields"]
    config = {name: field["default"] for name, field in fields.items() if "default" in field}
    origins = {name: "the plugin's default" for name in config}
    for layer in layers:
        for key, value in layer.config.items():
            config[key] = value
            origins[key] = layer.origin
    for name in sorted(fields):
        if name not in config:
            fail(message("{} of {}".format(name, component), label, "it has no default and nobody sets it", "Set it in the recipe"))
    return struct(config = config, origins = origins)

def needed_capabilities(schema, resolved, needs):
    """What a configuration asks of a chip.

    Args:
      schema: dict: the component's schema; a field's `requires` maps a value to the capability it needs.
      resolved: what resolve_config returned.
      needs: list of string: capabilities that the component always needs.

    Returns:
      list of struct(capability, field): the option that asks for it, None where the component itself does.
    """
    result = [struct(capability = capability, field = None) for capability in needs]
    for name, field in schema["fields"].items():
        if field.get("requires"):
            capability = field["requires"].get(_spelling(resolved.config[name]))
            if capability:
                result.append(struct(capability = capability, field = name))
    return result

def check_capabilities(component, label, resolved, needs, hardware):
    """Fails where the configuration asks for what the chip cannot do.

    Args:
      component: string: `plugin.name`, for messages.
      label: Label or string: the artifact or the recipe.
      resolved: what resolve_config returned.
      needs: what needed_capabilities returned.
      hardware: HardwareInfo.
    """
    for need in needs:
        if need.capability in hardware.capabilities:
            continue
        has = ", ".join(sorted(hardware.capabilities)) or "nothing"
        if need.field == None:
            fail(message(
                component,
                label,
                "it needs {}, which {} does not have; it has {}".format(need.capability, hardware.label, has),
                "Take the pass out of the recipe for this hardware, or choose hardware with {}".format(need.capability),
            ))
        fail(message(
            "{} = {} of {}".format(need.field, json.encode(resolved.config[need.field]), component),
            label,
            "it comes from {} and needs {}, which {} does not have; it has {}".format(
                resolved.origins[need.field],
                need.capability,
                hardware.label,
                has,
            ),
            "Set {} to a value that the hardware supports, or choose hardware with {}".format(need.field, need.capability),
        ))
