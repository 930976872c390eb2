"""RecipeInfo: an ordered list of passes."""

def _init(*, label, steps):
    return {"label": label, "steps": steps}

RecipeInfo, _new_recipe_info = provider(
    doc = "A compression recipe: passes in the order in which they run.",
    init = _init,
    fields = {
        "label": "string: the label of the recipe, as messages show it.",
        "steps": "list of struct(plugin, kind, name, config): PluginInfo, `pass` or `exporter`, the component's name, and the configuration that the recipe sets.",
    },
)
