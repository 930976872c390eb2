"""A plugin whose runtime does real arithmetic for as long as its model says: what the gates are tested with."""

from collections.abc import Sequence

from lepton_rules.plugin import Runtime, Target, hookimpl

__version__ = "1.0.0"


@hookimpl
def lepton_runtimes() -> Sequence[Runtime]:
    """One runtime, `matmul`."""
    return [Runtime(name="matmul", implementation="lepton_plugin_fake.runtime:MatmulRuntime", consumes=("fake",))]


@hookimpl
def lepton_targets() -> Sequence[Target]:
    """Chips that every machine has, one of them its CPU, and one that none has."""
    return [
        Target(name="here", runtime="matmul", accepts=("fake",)),
        Target(name="cpu_here", runtime="matmul", accepts=("fake",)),
        Target(name="absent", runtime="matmul", accepts=("fake",), available="cuda"),
    ]
