"""lepton_recipe: passes in order."""

load("//lepton_rules/private/providers:plugin_info.bzl", "PluginInfo")
load("//lepton_rules/private/providers:recipe_info.bzl", "RecipeInfo")
load(":components.bzl", "component_attributes", "decode_components")
load(":messages.bzl", "display_label")
load(":recipe_file.bzl", "write_recipe")

_DOC = """A compression recipe: an ordered list of passes, each from a plugin. Its output is the same as `recipe.yaml`."""

_ATTRS = {
    "passes": attr.string_list(doc = "Set by the macro."),
    "plugins": attr.label_list(providers = [PluginInfo], doc = "Set by the macro."),
}

def _lepton_recipe_impl(ctx):
    steps = decode_components(ctx, ctx.attr.plugins, ctx.attr.passes, ["pass", "exporter"])
    file = write_recipe(ctx, doc = "lepton run --hardware TARGET plans it for a chip", steps = steps)
    return [
        DefaultInfo(files = depset([file])),
        RecipeInfo(label = display_label(ctx.label), steps = steps),
    ]

_lepton_recipe = rule(
    implementation = _lepton_recipe_impl,
    doc = _DOC,
    attrs = _ATTRS,
    provides = [RecipeInfo],
)

def lepton_recipe(name, passes, **kwargs):
    """A compression recipe. Building it writes `<name>/recipe.yaml`, which `lepton run` takes.

    Args:
      name: the target's name.
      passes: list of passes, such as `[onnx.optimize(), onnx.quantize(calibrator = "Entropy")]`. An exporter may
        stand among them; otherwise the one that fits is inserted where the format changes.
      **kwargs: Bazel's common attributes.
    """
    components = component_attributes("passes", name, passes)
    _lepton_recipe(
        name = name,
        passes = components.json,
        plugins = components.plugins,
        **kwargs
    )
