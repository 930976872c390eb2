"""What the runtime can be told. Light: read wherever the plugin is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from lepton_rules.plugin import option


@dataclass(frozen=True, kw_only=True)
class RuntimeConfig:
    """Runs ONNX models in onnxruntime, on the provider that the hardware target names."""

    VERSION: ClassVar[int] = 1
    graph_optimization: Literal["disable_all", "basic", "extended", "all"] = option(
        "all", doc="How far the session optimises the graph for the machine that it runs on."
    )
