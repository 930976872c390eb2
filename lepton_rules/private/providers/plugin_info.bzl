"""PluginInfo: one lepton plugin, what it registers and where it runs."""

def _init(*, name, label, entry, descriptors, environment, preload, requires, sources, roots, checkpoints, search):
    for kind in ["importers", "passes", "exporters", "runtimes", "metrics", "targets"]:
        if type(descriptors.get(kind)) != "dict":
            fail("lepton: descriptors of plugin {} in {}: no table of {}. Generate passes.bzl again.".format(name, label, kind))
    return {
        "checkpoints": checkpoints,
        "descriptors": descriptors,
        "entry": entry,
        "environment": environment,
        "label": label,
        "name": name,
        "preload": preload,
        "requires": requires,
        "roots": roots,
        "search": search,
        "sources": sources,
    }

PluginInfo, _new_plugin_info = provider(
    doc = "A lepton plugin: the components that it registers, its Python sources and the environment that runs them.",
    init = _init,
    fields = {
        "checkpoints": "list of string: the formats that its module `checkpoint` writes weights in, such as safetensors.",
        "descriptors": "dict: what the plugin registers, decoded from its passes.bzl: importers, passes, exporters, runtimes, metrics, targets and packagers by name.",
        "entry": "string: the Python module whose hooks register the components.",
        "environment": "EnvironmentInfo: the Python environment its actions run in.",
        "label": "string: the label of the lepton_plugin target, as messages show it.",
        "name": "string: the plugin's name, the first half of `plugin.pass`.",
        "preload": "list of string: modules that the worker imports once, before the first request.",
        "requires": "list of string: distributions that an environment must have to run it.",
        "roots": "list of string: directories put on sys.path, relative to the execution root.",
        "search": "dict of a pass's name to list of dict of option to {\"choices\": [...]} or {\"range\": [low, high]}: what `<artifact>.tune` varies where no recipe says otherwise.",
        "sources": "depset of File: the plugin's Python sources.",
    },
)
