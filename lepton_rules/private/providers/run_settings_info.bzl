"""RunSettingsInfo: what every LeptonRun action has in common."""

def _init(*, action_sources, environment, flags, isa, main, on_device, sources, root):
    return {
        "action_sources": action_sources,
        "environment": environment,
        "flags": flags,
        "isa": isa,
        "main": main,
        "on_device": on_device,
        "root": root,
        "sources": sources,
    }

RunSettingsInfo, _new_run_settings_info = provider(
    doc = "The worker's program and the build settings that reach every LeptonRun action.",
    init = _init,
    fields = {
        "action_sources": "depset of File: the Python sources that the worker and its actions import.",
        "environment": "dict of string to string: the whole environment of an action.",
        "flags": "list of string: flags of every action: the instruction set class that its outputs are made with, and the seconds after which it is killed.",
        "isa": "string: the instruction set class that actions' outputs are made with.",
        "main": "File: the worker's entry point.",
        "on_device": "bool: whether it is only asked whether a chip is here; see device_transition.bzl.",
        "root": "string: the directory that holds the package lepton_rules.",
        "sources": "depset of File: all Python sources of lepton_rules, for programs of tests and runnables.",
    },
)
