"""What a plugin's generated passes.bzl builds its constructors from."""

def lepton_component(*, kind, plugin, name, config, unknown = {}):
    """One use of a plugin's component with the configuration that the user gave.

    Args:
      kind: `pass`, `importer`, `exporter`, `metric` or `packager`.
      plugin: Label of the lepton_plugin target.
      name: the component's name in that plugin.
      config: dict of the options that the user set; None means not set.
      unknown: dict of the options that the component does not have; an error at analysis, which names the near miss.

    Returns:
      A struct to give to `lepton_recipe(passes = …)`, `lepton_model(importer = …)` and so on.
    """
    return struct(
        lepton_component = kind,
        plugin = plugin,
        name = name,
        config = {key: value for key, value in config.items() if value != None},
        unknown = sorted(unknown),
    )

def lepton_pass(*, plugin, name, config, unknown = {}):
    """A pass with its configuration: `lepton_component` of kind `pass`."""
    return lepton_component(kind = "pass", plugin = plugin, name = name, config = config, unknown = unknown)
