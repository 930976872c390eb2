"""How near an operator comes to what the machine could do.

The least time of an operator is the longer of its operations at the peak of its precision, and its bytes at the
bandwidth of the smallest measured working set that holds them; its share of the roof is that time over the one it
took. Sources: see the plugin that measures the peaks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lepton_rules.profile.protocol import Peaks


@dataclass(frozen=True, kw_only=True)
class Roof:
    """The least time of one operator in seconds, and what bounds it: "compute" or "memory"."""

    seconds: float
    bound: str


def roof(precision: str, operations: int | None, moved_bytes: int, peaks: Peaks) -> Roof:
    """Of an operator: `precision`, `operations` and `moved_bytes` as in `Event`.

    Where its precision was not measured, float32's peak stands for it.
    """
    memory = moved_bytes / _bandwidth(moved_bytes, peaks.bandwidth)
    compute = 0.0
    if operations:
        compute = operations / peaks.operations.get(precision, peaks.operations["float32"])
    return Roof(seconds=max(compute, memory), bound="compute" if compute >= memory else "memory")


def _bandwidth(moved_bytes: int, measured: Sequence[tuple[int, float]]) -> float:
    """Bytes a second."""
    return next((rate for size, rate in measured if moved_bytes <= size), measured[-1][1])
