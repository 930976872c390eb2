"""Planning: from a model, a recipe and a chip to the list of actions. Reads providers only, and runs nothing."""

load(":config.bzl", "check_capabilities", "check_config", "needed_capabilities", "resolve_config")
load(":messages.bzl", "message")

def _qualified(plugin, name):
    return "{}.{}".format(plugin.name, name)

def resolve_step(label, step, hardware, artifact_config = {}, declared = True):
    """One step of a recipe with the configuration that it gets for a chip. Fails where the chip cannot do it.

    Args:
      label: Label: the artifact, or the recipe that is checked for the chip.
      step: struct(kind, plugin, name, descriptor, config): config is what the recipe sets.
      hardware: HardwareInfo.
      artifact_config: dict: what the artifact sets.
      declared: bool: whether the recipe names the step; an exporter that it does not name was inserted.

    Returns:
      struct(kind, plugin, name, descriptor, config = dict of every option, qualified, needs = list of the capabilities it needs, origins = dict of option
      to who set it, declared).
    """
    qualified = _qualified(step.plugin, step.name)
    schema = step.descriptor["config"]
    defaults = hardware.pass_defaults.get(qualified, {})
    check_config(qualified, label, schema, defaults, fix = "Correct the pass_defaults of {}".format(hardware.label))
    resolved = resolve_config(qualified, label, schema, [
        struct(origin = hardware.label, config = defaults),
        struct(origin = "the recipe", config = step.config),
        struct(origin = "the artifact", config = artifact_config),
    ])
    needs = needed_capabilities(schema, resolved, step.descriptor.get("requires", []))
    check_capabilities(qualified, label, resolved, needs, hardware)
    return struct(
        kind = step.kind,
        plugin = step.plugin,
        name = step.name,
        descriptor = step.descriptor,
        config = resolved.config,
        qualified = qualified,
        needs = [need.capability for need in needs],
        origins = resolved.origins,
        declared = declared,
    )

def _check_model(label, model, hardware):
    # What was done to the model before must suit the chip too.
    for need in model.needs:
        if need.capability not in hardware.capabilities:
            fail(message(
                "model",
                label,
                "{} comes from {}, which needs {}, and {} does not have it; it has {}".format(
                    model.label,
                    need.step,
                    need.capability,
                    hardware.label,
                    ", ".join(sorted(hardware.capabilities)) or "nothing",
                ),
                "Start from the model as it was before, or choose hardware with {}".format(need.capability),
            ))

def _unique(plugins):
    result = []
    labels = []
    for plugin in plugins:
        if plugin.label not in labels:
            labels.append(plugin.label)
            result.append(plugin)
    return result

def _hop(label, plugins, have, want, why):
    # The one exporter that leads from the format that there is to one that is wanted.
    candidates = []
    for plugin in plugins:
        for name, descriptor in plugin.descriptors["exporters"].items():
            if descriptor["consumes"] == have and descriptor["produces"] in want:
                candidates.append((plugin, name, descriptor))
    if not candidates:
        fail(message(
            "format",
            label,
            "{} takes {}, the model is {}, and none of the plugins {} exports one to the other".format(
                why,
                " or ".join(want),
                have,
                ", ".join([p.name for p in plugins]),
            ),
            "Use a recipe or a plugin with an exporter from {} to {}".format(have, " or ".join(want)),
        ))
    if len(candidates) > 1:
        fail(message(
            "format",
            label,
            "{} takes {}, the model is {}, and several exporters lead there: {}".format(
                why,
                " or ".join(want),
                have,
                " and ".join([_qualified(p, n) for p, n, _ in candidates]),
            ),
            "Put the one that you want into the recipe's passes",
        ))
    return candidates[0]

def plan(label, model, recipe_steps, hardware, overrides):
    """The actions that make the artifact.

    Args:
      label: Label: the artifact.
      model: ModelInfo.
      recipe_steps: list of the recipe's steps.
      hardware: HardwareInfo.
      overrides: list of the artifact's own components, which win over the recipe's configuration.

    Returns:
      list of what resolve_step returns.
    """
    plugins = _unique(model.plugins + [step.plugin for step in recipe_steps] + [hardware.plugin])
    names = {}
    for plugin in _unique(plugins + [override.plugin for override in overrides]):
        if plugin.name in names:
            fail(message("plugin {}".format(plugin.name), label, "both {} and {} claim the name".format(names[plugin.name], plugin.label), "Rename one of them"))
        names[plugin.name] = plugin.label
    override_of = {}
    for override in overrides:
        qualified = _qualified(override.plugin, override.name)
        if qualified in override_of:
            fail(message("overrides", label, "{} is there twice".format(qualified), "Write its options in one"))
        override_of[qualified] = override.config
    _check_model(label, model, hardware)
    used = {}
    steps = []
    current = model.format

    def add(kind, plugin, name, descriptor, config, declared):
        qualified = _qualified(plugin, name)
        used[qualified] = True
        step = struct(kind = kind, plugin = plugin, name = name, descriptor = descriptor, config = config)
        steps.append(resolve_step(label, step, hardware, override_of.get(qualified, {}), declared))

    for step in recipe_steps:
        if step.descriptor["consumes"] != current:
            plugin, name, descriptor = _hop(label, plugins, current, [step.descriptor["consumes"]], _qualified(step.plugin, step.name))
            add("exporter", plugin, name, descriptor, {}, declared = False)
            current = descriptor["produces"]
        add(step.kind, step.plugin, step.name, step.descriptor, step.config, declared = True)
        current = step.descriptor["produces"]
    if current not in hardware.accepts:
        plugin, name, descriptor = _hop(label, plugins, current, hardware.accepts, hardware.label)
        add("exporter", plugin, name, descriptor, {}, declared = False)
    for qualified in override_of:
        if qualified not in used:
            fail(message("overrides", label, "the plan has no {}; it is {}".format(qualified, ", ".join(used.keys()) or "empty"), "Remove the override, or add the pass to the recipe"))
    return steps
