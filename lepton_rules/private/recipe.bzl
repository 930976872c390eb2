"""lepton_recipe: passes in order."""

load("//lepton_rules/private/providers:hardware_info.bzl", "HardwareInfo")
load("//lepton_rules/private/providers:plugin_info.bzl", "PluginInfo")
load("//lepton_rules/private/providers:recipe_info.bzl", "RecipeInfo")
load(":components.bzl", "component_attributes", "decode_components")
load(":messages.bzl", "display_label", "message", "near_miss")
load(":plan.bzl", "resolve_step")
load(":recipe_file.bzl", "write_recipe")
load(":search.bzl", "SEARCH_ATTRS", "decode_search", "search_attributes")

_DOC = """A compression recipe: an ordered list of passes, each from a plugin. Its output is the same as `recipe.yaml`.

It may extend another recipe, whose passes come first, with other options where this one says so. A recipe that names
its hardware is checked for those chips when it is analysed: what one of them cannot do is an error before anything
runs, with no model and no artifact.
"""

_ATTRS = SEARCH_ATTRS | {
    "extends": attr.label(providers = [RecipeInfo], doc = "A recipe whose passes come before this one's."),
    "hardware": attr.label_list(providers = [HardwareInfo], doc = "The chips that the recipe is for, checked when it is analysed."),
    "override_plugins": attr.label_list(providers = [PluginInfo], doc = "Set by the macro."),
    "overrides": attr.string_list(doc = "Set by the macro."),
    "passes": attr.string_list(doc = "Set by the macro."),
    "plugins": attr.label_list(providers = [PluginInfo], doc = "Set by the macro."),
}

_KINDS = ["pass", "exporter"]

def _qualified(step):
    return "{}.{}".format(step.plugin.name, step.name)

def _overridden(ctx, steps):
    """The extended recipe's steps with this one's options."""
    known = [_qualified(step) for step in steps]
    configs = {}
    for override in decode_components(ctx, ctx.attr.override_plugins, ctx.attr.overrides, _KINDS):
        name = _qualified(override)
        if name not in known:
            whose = "{} has".format(display_label(ctx.attr.extends.label)) if ctx.attr.extends else "the recipe extends none, and has"
            fail(message("overrides", ctx.label, "{} no {}; {}".format(whose, name, near_miss(name, known)), "Correct its name, or put the pass into passes"))
        if name in configs:
            fail(message("overrides", ctx.label, "{} is there twice".format(name), "Write its options in one"))
        configs[name] = override.config
    return [
        struct(
            plugin = step.plugin,
            kind = step.kind,
            name = step.name,
            config = step.config | configs.get(_qualified(step), {}),
            descriptor = step.descriptor,
        )
        for step in steps
    ]

def _lepton_recipe_impl(ctx):
    base = ctx.attr.extends[RecipeInfo].steps if ctx.attr.extends else []
    own = decode_components(ctx, ctx.attr.plugins, ctx.attr.passes, _KINDS)
    steps = _overridden(ctx, base) + own
    for hardware in ctx.attr.hardware:
        for step in steps:
            resolve_step(ctx.label, step, hardware[HardwareInfo])
    file = write_recipe(ctx, doc = "lepton run --hardware TARGET plans it for a chip", steps = steps)
    space = decode_search(ctx, [_qualified(step) for step in steps])
    extended = ctx.attr.extends[RecipeInfo] if ctx.attr.extends else struct(search = [], search_without = [])
    return [
        DefaultInfo(files = depset([file])),
        RecipeInfo(
            label = display_label(ctx.label),
            search = space.search or extended.search,
            search_without = space.without or extended.search_without,
            steps = steps,
        ),
    ]

_lepton_recipe = rule(
    implementation = _lepton_recipe_impl,
    doc = _DOC,
    attrs = _ATTRS,
    provides = [RecipeInfo],
)

def lepton_recipe(name, passes = [], overrides = [], search = [], **kwargs):
    """A compression recipe. Building it writes `<name>/recipe.yaml`, which `lepton run` takes.

    Args:
      name: the target's name.
      passes: list of passes, such as `[onnx.optimize(), onnx.quantize(calibrator = "Entropy")]`. An exporter may
        stand among them; otherwise the one that fits is inserted where the format changes.
      overrides: list of passes of the extended recipe whose options this one changes.
      search: what `<artifact>.tune` varies, in the passes' own constructors: `[onnx.quantize(calibrator = ["MinMax", "Entropy"])]`. A
        list is a choice, a tuple `(low, high)` a range, any other value is fixed. Two entries of one pass are alternatives.
      **kwargs: Bazel's common attributes, and
        `search_without`: list of passes that it may leave out, such as `["onnx.smooth_quant"]`;
        `extends`: a lepton_recipe, whose passes come before these;
        `hardware`: list of lepton_hardware that the recipe is for: what one of them cannot do is an error when the recipe is analysed.
    """
    components = component_attributes("passes", name, passes)
    changes = component_attributes("overrides", name, overrides)
    space = search_attributes(name, search)
    _lepton_recipe(
        name = name,
        search = space.json,
        search_plugins = space.plugins,
        passes = components.json,
        plugins = components.plugins,
        overrides = changes.json,
        override_plugins = changes.plugins,
        **kwargs
    )
