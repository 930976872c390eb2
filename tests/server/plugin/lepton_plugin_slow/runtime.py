"""Sleeps for the seconds that its input names, and gives them back; a negative number is an error, of two kinds."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from lepton_rules.plugin import LeptonError, RuntimeContext


class SlowRuntime:
    """`settings.json` beside the model's manifest says how long it loads."""

    def __init__(self, context: RuntimeContext) -> None:
        settings = json.loads((context.model.path / "settings.json").read_text("utf-8"))
        time.sleep(settings["load_s"])
        if settings["exit"]:
            raise SystemExit(3)

    def run(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The seconds, and how many rows were run at once."""
        seconds = inputs["seconds"]
        if (seconds == -1).any():
            raise LeptonError("runtime slow", "it does not sleep -1 seconds", "Ask for more")
        if (seconds == -2).any():
            raise ZeroDivisionError("a bug")
        time.sleep(float(seconds.max()))
        return {"slept": seconds, "rows": np.full(seconds.shape, len(seconds), np.int64)}

    def close(self) -> None:
        """Nothing to let go."""
