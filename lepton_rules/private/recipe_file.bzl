"""recipe.yaml: what `lepton run` repeats, as a recipe or an artifact writes it (lepton_rules/recipe/recipe.schema.json)."""

load(":messages.bzl", "display_label")

# What YAML would not take for a string, were it not in quotes. An option may be called so.
_NOT_PLAIN = ["false", "null", "true"]

def _key(name):
    return json.encode(name) if name in _NOT_PLAIN else name

def _mapping(name, values, indent):
    # JSON is YAML: a value that is a list or a dict stays on its line.
    if not values:
        return []
    lines = ["{}{}:".format(indent, name)]
    for key in sorted(values):
        lines.append("{}  {}: {}".format(indent, _key(key), json.encode(values[key])))
    return lines

def _step_lines(step):
    # Called when the file is written, not at analysis.
    lines = ["  - pass: {}.{}".format(step.plugin.name, step.name)]
    lines += _mapping("config", step.config, "    ")
    lines.append("    config_version: {}".format(json.encode(step.descriptor["config"]["version"])))
    return lines + _mapping("slots", getattr(step, "slots", {}), "    ")

def _head_lines(head):
    lines = ["# {}: {}.".format(display_label(head.label), head.doc), "version: 1"]
    if head.hardware:
        facts = json.decode(head.hardware.facts)
        lines.append("hardware:")
        for key in ["target", "runtime", "capabilities", "options", "threads"]:
            lines.append("  {}: {}".format(key, json.encode(facts[key])))
        lines += [
            "isa: " + json.encode(head.isa),
            "seed: {}".format(head.seed),
            "threads: {}".format(head.threads),
        ]
    return lines + (["steps:"] if head.some else ["steps: []"])

def write_recipe(ctx, *, doc, steps, hardware = None, isa = None, seed = 0, threads = 1):
    """Declares `<name>/recipe.yaml`.

    Args:
      ctx: the rule's context.
      doc: string: what the recipe is, for a comment at its head.
      steps: list of struct(plugin, name, config, descriptor), and `slots` for those that have some: dict of string to string.
      hardware: HardwareInfo or None: the chip that the steps are planned for, and with it
      isa: string: the instruction set class;
      seed: int;
      threads: int.

    Returns:
      File.
    """
    file = ctx.actions.declare_file(ctx.label.name + "/recipe.yaml")
    args = ctx.actions.args()
    head = struct(label = ctx.label, doc = doc, hardware = hardware, isa = isa, seed = seed, threads = threads, some = bool(steps))
    args.add_all([head], map_each = _head_lines)
    args.add_all(steps, map_each = _step_lines)
    args.set_param_file_format("multiline")
    ctx.actions.write(file, args)
    return file
