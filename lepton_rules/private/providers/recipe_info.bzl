"""RecipeInfo: an ordered list of passes."""

def _init(*, label, steps, search = [], search_without = []):
    return {"label": label, "search": search, "search_without": search_without, "steps": steps}

RecipeInfo, _new_recipe_info = provider(
    doc = "A compression recipe: passes in the order in which they run.",
    init = _init,
    fields = {
        "label": "string: the label of the recipe, as messages show it.",
        "search": "list of struct(qualified, options): what a search varies; see lepton_rules/private/search.bzl.",
        "search_without": "list of string: passes that a search may leave out.",
        "steps": "list of struct(plugin, kind, name, config): PluginInfo, `pass` or `exporter`, the component's name, and the configuration that the recipe sets.",
    },
)
