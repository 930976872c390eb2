"""Plugins that do what they must not: the passes of //sample's deeds.py, each in an artifact of its own."""

from __future__ import annotations

from case import Case, Group


def _deed(name: str, says: str) -> Case:
    build = f"""
lepton_recipe(name = "recipe", passes = [sample.misbehave(deed = "{name}")])
lepton_artifact(name = "x", model = "//good:hello", hardware = "//sample:page", recipe = ":recipe")
"""
    return Case(name, build, says)


_NAMES = "import_error raise_error raise_system_exit exit_at_once return_nothing write_nothing write_beside_output write_to_working_directory write_a_link change_its_input change_dtype segfault eat_memory fork_a_daemon hang reach_the_network".split()

DEEDS = Group(
    "deeds",
    [ _deed(n, "") for n in _NAMES
    ],
)
