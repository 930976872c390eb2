"""A plugin whose runtime has no profiler."""

from collections.abc import Sequence

from lepton_rules.plugin import Runtime, Target, hookimpl

__version__ = "1.0.0"


@hookimpl
def lepton_runtimes() -> Sequence[Runtime]:
    """One runtime, `plain`."""
    return [Runtime(name="plain", implementation="lepton_plugin_plain.runtime:Plain", consumes=("plain",))]


@hookimpl
def lepton_targets() -> Sequence[Target]:
    """A chip that every machine has, and one that none has."""
    return [
        Target(name="desk", runtime="plain", accepts=("plain",)),
        Target(name="moon", runtime="plain", accepts=("plain",), available="cuda"),
    ]
