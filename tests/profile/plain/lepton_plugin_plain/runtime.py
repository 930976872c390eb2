"""A runtime that holds as many megabytes as its model says, and gives x back."""

import json
from collections.abc import Mapping
from typing import Any

import numpy

from lepton_rules.plugin import LeptonError, RuntimeContext


class Plain:
    """Gives `y`, which is `x`."""

    def __init__(self, context: RuntimeContext) -> None:
        model = json.loads((context.model.path / "model.json").read_text())
        if model.get("broken"):
            raise LeptonError("model", "its format is unknown to the chip", "Build it for this chip")
        self.loading = numpy.ones(model["load_mb"] << 20, numpy.uint8)
        self.held = self.loading[: len(self.loading) // 2].copy()
        del self.loading
        self.run_mb = model["run_mb"]

    def run(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """One inference."""
        numpy.ones(self.run_mb << 20, numpy.uint8)
        return {"y": inputs["x"].copy()}

    def close(self) -> None:
        """Frees what it held."""
        del self.held
