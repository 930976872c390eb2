"""The `onnxruntime` plugin: the runtime, and the chips that it runs on.

Only descriptors here; onnxruntime is imported when a model is run.
"""

from __future__ import annotations

from collections.abc import Sequence

from lepton_plugin_onnxruntime.config import RuntimeConfig
from lepton_plugin_onnxruntime.targets import RUNTIME, TARGETS
from lepton_rules.plugin import Runtime, Target, hookimpl

__version__ = "0.1.0"


@hookimpl
def lepton_runtimes() -> Sequence[Runtime]:
    """The runtime `onnxruntime`."""
    return [
        Runtime(
            name=RUNTIME,
            consumes=("onnx",),
            config=RuntimeConfig,
            implementation="lepton_plugin_onnxruntime.runtime:OnnxRuntime",
        )
    ]


@hookimpl
def lepton_targets() -> Sequence[Target]:
    """The chips."""
    return TARGETS
