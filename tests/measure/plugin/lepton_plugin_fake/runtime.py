"""A runtime whose model is a JSON file: {"rounds": how many multiplications, "fault": "" or what goes wrong,
"hold_mb": memory held, "load_s": seconds to load}."""

import json
import os
import signal
import time
from collections.abc import Mapping
from typing import Any

import numpy

from lepton_rules.plugin import LeptonError, RuntimeContext

CLASSES = 10


class MatmulRuntime:
    """Gives `logits` [batch, 10]: the first 10 columns of the input `x` [batch, 64], after `rounds` of work."""

    def __init__(self, context: RuntimeContext) -> None:
        model = json.loads((context.model.path / "model.json").read_text())
        self.rounds, self.fault = model["rounds"], model["fault"]
        self.batch = context.model.manifest["inputs"][0]["shape"][0]
        self.weights = numpy.eye(64, dtype=numpy.float32)
        self.reference = context.reference
        self.closed = False
        time.sleep(model.get("load_s", 0))
        self.held = numpy.ones(model.get("hold_mb", 0) << 20, numpy.uint8)
        self.held = self.held.copy()
        if self.fault == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.fault == "load":
            raise LeptonError("model", "its format is unknown to the chip", "Build it for this chip")

    def run(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """One inference."""
        x = inputs["x"]
        if isinstance(self.batch, int):
            assert len(x) == self.batch, "a fixed batch was not kept"
        for _ in range(self.rounds):
            x = x @ self.weights
        logits = x[:, :CLASSES].copy()
        if self.fault == "nan":
            logits[0, 0] = numpy.nan
        if self.fault == "shape":
            logits = logits[:, :-1]
        if self.fault == "name":
            return {"other": logits}
        return {"logits": logits}

    def close(self) -> None:
        """Frees nothing."""
        self.closed = True
