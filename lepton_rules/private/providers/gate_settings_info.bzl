"""GateSettingsInfo: what every test of a budget and every runnable has in common."""

def _init(*, core, exec_core, identity, programs, summary_program, verdict_program):
    return {
        "core": core,
        "exec_core": exec_core,
        "identity": identity,
        "programs": programs,
        "summary_program": summary_program,
        "verdict_program": verdict_program,
    }

GateSettingsInfo, _new_gate_settings_info = provider(
    doc = """The programs of tests and runnables, and what they run in.

    They are behind one label: a monorepo has thousands of these targets, and each edge of each costs time of analysis.
    """,
    init = _init,
    fields = {
        "core": "EnvironmentInfo: the environment without libraries, for runnables.",
        "exec_core": "EnvironmentInfo: the same, for actions.",
        "identity": "File: what this machine is, for measurements.",
        "programs": "dict of string to File: the program of each kind of test that measures, by its file's name without `.py`.",
        "summary_program": "File: what prints an artifact's summary.",
        "verdict_program": "File: what judges size and accuracy.",
    },
)
