"""HardwareInfo: a chip and the runtime that drives it."""

def _init(*, label, target, plugin, runtime, capabilities, accepts, pass_defaults, options, threads, batch = 1, affinity = ""):
    facts = {
        "capabilities": sorted(capabilities),
        "options": options,
        "runtime": runtime,
        "target": target,
        "threads": threads,
    }
    return {
        "accepts": accepts,
        "affinity": affinity,
        "batch": batch,
        "capabilities": capabilities,
        "facts": json.encode(facts),
        "label": label,
        "options": options,
        "pass_defaults": pass_defaults,
        "plugin": plugin,
        "runtime": runtime,
        "target": target,
        "threads": threads,
    }

HardwareInfo, _new_hardware_info = provider(
    doc = "A hardware target: what the chip can do, and the runtime that runs models on it.",
    init = _init,
    fields = {
        "accepts": "list of string: the model formats that its runtime takes.",
        "affinity": "string: the CPUs that measurements run on, as `taskset --cpu-list` takes them; empty for any.",
        "batch": "int: samples in one inference, for measurements that do not say otherwise.",
        "capabilities": "list of string: what the chip can do, in the vocabulary of lepton_rules/plugin/capabilities.bzl.",
        "facts": "string: target, runtime, capabilities, options and threads as JSON, as actions and tests get them.",
        "label": "string: the label of the hardware, as messages show it.",
        "options": "dict of string to string: options of the runtime, such as an execution provider's.",
        "pass_defaults": "dict of `plugin.pass` to dict: configuration that this chip wants where nobody says otherwise.",
        "plugin": "PluginInfo: the plugin that registers the target and its runtime.",
        "runtime": "string: the name of the runtime in that plugin.",
        "target": "string: the name of the target in that plugin.",
        "threads": "int: threads used for inference and measurement.",
    },
)
