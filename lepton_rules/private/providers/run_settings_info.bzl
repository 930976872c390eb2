"""RunSettingsInfo: what every LeptonRun action has in common."""

def _init(*, action_sources, main, sources, root, hash_seed, isa, timeout_s):
    return {
        "action_sources": action_sources,
        "hash_seed": hash_seed,
        "isa": isa,
        "main": main,
        "root": root,
        "sources": sources,
        "timeout_s": timeout_s,
    }

RunSettingsInfo, _new_run_settings_info = provider(
    doc = "The worker's program and the build settings that reach every LeptonRun action.",
    init = _init,
    fields = {
        "action_sources": "depset of File: the Python sources that the worker and its actions import.",
        "hash_seed": "string: PYTHONHASHSEED of the process.",
        "isa": "string: the instruction set class that the outputs are made with.",
        "main": "File: the worker's entry point.",
        "root": "string: the directory that holds the package lepton_rules.",
        "sources": "depset of File: all Python sources of lepton_rules, for programs of tests and runnables.",
        "timeout_s": "int: seconds after which an action is killed.",
    },
)
