"""ProgramsInfo: what all runnables of one kind have in common."""

ProgramsInfo = provider(
    doc = """The Python programs of a kind of runnable, and what they run in.

    They are behind one label: a monorepo has thousands of runnables, and each edge of each costs time of analysis.
    """,
    fields = {
        "environment": "EnvironmentInfo: what they run in, or None where the artifact's runtime decides that.",
        "exec_environment": "EnvironmentInfo: the same, for actions, or None.",
        "programs": "dict of string to File: each program, by its file's name without `.py`.",
        "sources": "depset of File: what they import beside lepton_rules' own sources.",
    },
)
