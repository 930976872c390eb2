"""lepton_hardware: a chip."""

load("//lepton_rules/private/providers:hardware_info.bzl", "HardwareInfo")
load("//lepton_rules/private/providers:plugin_info.bzl", "PluginInfo")
load(":components.bzl", "component_attributes", "decode_components")
load(":messages.bzl", "display_label", "message", "near_miss")

_DOC = """A hardware target: what the chip can do decides what a recipe may do for it.

The plugin registers the target: its runtime, the formats that it takes, its capabilities, and what it wants of a pass
where nobody says otherwise. This rule adds what is a matter of this deployment: threads, options, defaults.
"""

_ATTRS = {
    "affinity": attr.string(doc = "The CPUs that measurements run on, such as `0-3,8`; empty for any."),
    "batch": attr.int(default = 1, doc = "Samples in one inference, for measurements that do not say otherwise."),
    "options": attr.string_dict(doc = "Options of the runtime, over the plugin's."),
    "pass_defaults": attr.string_list(doc = "Set by the macro."),
    "pass_plugins": attr.label_list(providers = [PluginInfo], doc = "Set by the macro."),
    "plugin": attr.label(mandatory = True, providers = [PluginInfo], doc = "The plugin that registers the target."),
    "target": attr.string(mandatory = True, doc = "The target's name in the plugin."),
    "threads": attr.int(default = 1, doc = "Threads for inference and for measurement."),
}

def _is_cpu_list(text):
    # Numbers and ranges of rising numbers, separated by commas; or nothing.
    for part in text.split(",") if text else []:
        first, dash, last = part.partition("-")
        if not first.isdigit() or (dash and (not last.isdigit() or int(last) < int(first))):
            return False
    return True

def _lepton_hardware_impl(ctx):
    plugin = ctx.attr.plugin[PluginInfo]
    targets = plugin.descriptors["targets"]
    if ctx.attr.target not in targets:
        fail(message("target", ctx.label, "{} registers no target {}; {}".format(plugin.label, repr(ctx.attr.target), near_miss(ctx.attr.target, targets.keys())), "Correct its name"))
    if ctx.attr.threads < 1:
        fail(message("threads", ctx.label, "{} is less than 1".format(ctx.attr.threads), "Give at least 1"))
    if ctx.attr.batch < 1:
        fail(message("batch", ctx.label, "{} is less than 1".format(ctx.attr.batch), "Give at least 1"))
    if not _is_cpu_list(ctx.attr.affinity):
        fail(message("affinity", ctx.label, "{} is no list of CPUs".format(repr(ctx.attr.affinity)), "Write it like \"0-3,8\""))
    target = targets[ctx.attr.target]
    defaults = {name: dict(config) for name, config in target["pass_defaults"].items()}
    for component in decode_components(ctx, ctx.attr.pass_plugins, ctx.attr.pass_defaults, ["pass", "exporter"]):
        defaults.setdefault("{}.{}".format(component.plugin.name, component.name), {}).update(component.config)
    return [HardwareInfo(
        label = display_label(ctx.label),
        target = ctx.attr.target,
        plugin = plugin,
        runtime = target["runtime"],
        capabilities = target["capabilities"],
        accepts = target["accepts"],
        pass_defaults = defaults,
        options = target["options"] | ctx.attr.options,
        threads = ctx.attr.threads,
        batch = ctx.attr.batch,
        affinity = ctx.attr.affinity,
    )]

_lepton_hardware = rule(
    implementation = _lepton_hardware_impl,
    doc = _DOC,
    attrs = _ATTRS,
    provides = [HardwareInfo],
)

def lepton_hardware(name, plugin, target, available = None, pass_defaults = [], target_compatible_with = [], **kwargs):
    """A hardware target.

    Args:
      name: the target's name.
      plugin: the lepton_plugin that registers it.
      target: the target's name in the plugin.
      available: a bool_flag that says whether this machine has the chip. Artifacts are built anywhere; tests that run
        on the chip are skipped where it is False. Default: every machine has it.
      pass_defaults: list of passes whose options this chip wants where recipe and artifact do not set them.
      target_compatible_with: Bazel's.
      **kwargs: Bazel's common attributes, and `options`: dict of the runtime's options, over the plugin's; `threads`: for inference and for
        measurement (1); `batch`: samples in one inference, for measurements that do not say otherwise (1); `affinity`: the CPUs that
        measurements run on, such as `0-3,8`.
    """
    components = component_attributes("pass_defaults", name, pass_defaults)
    if available:
        native.config_setting(
            name = name + ".absent",
            flag_values = {
                str(Label("//lepton_rules/settings:on_device")): "True",
                available: "False",
            },
            visibility = ["//visibility:private"],
        )
        target_compatible_with = target_compatible_with + select({
            ":" + name + ".absent": [Label("@platforms//:incompatible")],
            "//conditions:default": [],
        })
    _lepton_hardware(
        name = name,
        plugin = plugin,
        target = target,
        pass_defaults = components.json,
        pass_plugins = components.plugins,
        target_compatible_with = target_compatible_with,
        **kwargs
    )
