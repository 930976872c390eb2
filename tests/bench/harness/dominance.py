"""Whether one compressed model is the better choice whatever one wants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def dominates(other: Mapping[str, Any], ours: Mapping[str, Any]) -> bool:
    """Whether the other is as fast, as good and as small as ours, and better in one of the three.

    Args:
      other: what `rivals/judge.py` prints of it: its `against` is [low, median, high] of our time over its own, and 1
        within that interval is as fast.
      ours: the same of ours.
    """
    slower, _, high = other["against"]
    as_good = high >= 1 and other["quality"] >= ours["quality"] and other["bytes"] <= ours["bytes"]
    better = slower > 1 or other["quality"] > ours["quality"] or other["bytes"] < ours["bytes"]
    return bool(as_good and better)
