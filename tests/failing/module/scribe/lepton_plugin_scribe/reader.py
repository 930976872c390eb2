"""A runtime whose speed and accuracy are written in the model: `slow` takes its time, `wrong` is wrong."""

import time
from collections.abc import Mapping
from typing import Any

import numpy

from lepton_rules.plugin import RuntimeContext

_SLOW_S = 0.004
_QUICK_S = 0.001


class Reader:
    """Gives `x`, which the dataset's labels are made of, in as many columns as the model has."""

    def __init__(self, context: RuntimeContext) -> None:
        text = (context.model.path / "text.txt").read_text(encoding="utf-8")
        self._seconds = 0.0 if context.reference else _SLOW_S if "slow" in text else _QUICK_S
        self._wrong = "wrong" in text
        (self._output,) = context.model.manifest["outputs"]

    def run(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        time.sleep(self._seconds)
        y = numpy.zeros((len(inputs["x"]), self._output["shape"][1]), self._output["dtype"])
        y[:, :2] = 1 - inputs["x"] if self._wrong else inputs["x"]
        return {"y": y}

    def close(self) -> None:
        pass
