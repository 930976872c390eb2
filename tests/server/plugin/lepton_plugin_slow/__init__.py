"""A stranger's plugin: its runtime takes as long as a test says, and fails as a test says."""

from collections.abc import Sequence

from lepton_rules.plugin import Runtime, hookimpl

__version__ = "1.0.0"


@hookimpl
def lepton_runtimes() -> Sequence[Runtime]:
    """One runtime, `slow`."""
    return [Runtime(name="slow", implementation="lepton_plugin_slow.runtime:SlowRuntime", consumes=("slow",))]
