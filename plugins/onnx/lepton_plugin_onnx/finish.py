"""How every pass ends: the model in its canonical form on disk, and its facts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_plugin_onnx.canonical import tidy
from lepton_plugin_onnx.facts import facts_of
from lepton_rules.plugin import ModelFacts
from lepton_rules.plugin.onnx_canonical import save

if TYPE_CHECKING:
    import onnx


def finish(model: onnx.ModelProto, output: Path, notes: Mapping[str, Any]) -> ModelFacts:
    """Writes `model`, whose tensors are all in memory, canonically into `output`. Changes `model`; returns its
    facts."""
    tidy(model)
    facts = facts_of(model, notes)
    save(model, output)
    return facts
