"""Bazel's JSON profile."""

from __future__ import annotations

import gzip
import json
from pathlib import Path


def action_seconds(profile: Path, progress: str) -> float:
    """How long the actions took whose progress message begins so, in seconds."""
    with gzip.open(profile) as file:
        events = json.load(file)["traceEvents"]
    return sum(
        float(event["dur"]) / 1e6
        for event in events
        if event.get("ph") == "X"
        and event.get("cat") == "action processing"
        and event["name"].removeprefix("action '").startswith(progress)
    )
