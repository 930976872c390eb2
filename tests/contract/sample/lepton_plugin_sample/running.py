"""Runtime and metric of `table` models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lepton_plugin_sample.tables import read
from lepton_rules.plugin import LeptonError, MetricContext, RuntimeContext


class TableRuntime:
    """Computes `x @ table.T`."""

    def __init__(self, context: RuntimeContext) -> None:
        hardware = context.model.manifest["hardware"]
        if hardware is None or hardware["target"] != "pocket":
            raise LeptonError("runtime sample.table", f"the model is for {hardware}", "Build it for the target pocket")
        self.weights = np.array([row for _, row in sorted(read(context.model.path).items())], dtype=np.float32)

    def run(self, inputs: Mapping[str, np.ndarray[Any, Any]]) -> dict[str, np.ndarray[Any, Any]]:
        return {"y": inputs["x"] @ self.weights.T}

    def close(self) -> None:
        del self.weights


def mean_error(context: MetricContext) -> float:
    assert context.baseline is not None
    return float(np.abs(context.outputs["y"] - context.baseline["y"]).mean())
