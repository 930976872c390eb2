"""What the layers of a network cost on a chip, from a table that was measured once and checked in.

A build measures nothing, so that it gives the same everywhere: the time of a network is estimated as the sum over its
layers, each looked up by its kind and its multiply-accumulates (Yang et al., "NetAdapt", 2018,
https://arxiv.org/abs/1804.03230, section 3.3, estimates networks from such tables). As kernels work on whole vectors of
channels, channels are counted up to a multiple first (Shen et al., "HALP", 2021, https://arxiv.org/abs/2110.10811).

    {"version": 1, "channel_multiple": 16, "overhead_us": 5.0,
     "convolution": [[10000, 2.0], [1000000, 20.0], [100000000, 1500.0]],
     "linear": [[1000, 1.0], [1000000, 30.0]]}

Each point is [multiply-accumulates, microseconds]. Between two points cost is linear; below the first it is the
first's; above the last it goes on as between the last two.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Points = tuple[tuple[float, float], ...]
_KINDS = ("convolution", "linear")
_KEYS = frozenset(("version", "channel_multiple", "overhead_us", *_KINDS))


@dataclass(frozen=True)
class Layer:
    """One run of a layer on one sample.

    Args:
        kind: convolution or linear.
        positions: of the output, such as height times width.
        inputs: channels read by each output channel.
        outputs: channels.
        kernel: taps of the kernel.
    """

    kind: str
    positions: int
    inputs: int
    outputs: int
    kernel: int = 1


@dataclass(frozen=True)
class CostTable:
    """A parsed table."""

    channel_multiple: int
    overhead_us: float
    convolution: Points
    linear: Points

    @classmethod
    def parse(cls, text: str) -> CostTable:
        """The table that a JSON text holds. Raises ValueError for anything else."""
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"cost_table is not JSON ({error})") from None
        if not isinstance(value, dict) or value.keys() != _KEYS or value["version"] != 1:
            raise ValueError(f"cost_table is no object of version 1 with the keys {', '.join(sorted(_KEYS))}")
        multiple = value["channel_multiple"]
        if type(multiple) is not int or not 1 <= multiple <= 4096:
            raise ValueError("cost_table: channel_multiple is no whole number from 1 to 4096")
        if not _is_number(value["overhead_us"]):
            raise ValueError("cost_table: overhead_us is no number from 0 on")
        return cls(multiple, float(value["overhead_us"]), *(_points(kind, value[kind]) for kind in _KINDS))

    def microseconds(self, layers: Sequence[Layer]) -> float:
        """The estimate for one sample through these layers."""
        return self.overhead_us + math.fsum(self._cost(layer) for layer in layers)

    def _cost(self, layer: Layer) -> float:
        def up(channels: int) -> int:
            return -(-channels // self.channel_multiple) * self.channel_multiple

        macs = layer.positions * up(layer.inputs) * up(layer.outputs) * layer.kernel
        return _interpolated(getattr(self, layer.kind), macs)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0


def _points(kind: str, value: Any) -> Points:
    if not isinstance(value, list) or not 2 <= len(value) <= 1000:
        raise ValueError(f"cost_table: {kind} is no list of 2 to 1000 points")
    for point in value:
        if not isinstance(point, list) or len(point) != 2 or not all(map(_is_number, point)):
            raise ValueError(f"cost_table: a point of {kind} is not [multiply-accumulates, microseconds]")
    points = tuple((float(macs), float(cost)) for macs, cost in value)
    for (macs, cost), (more_macs, more_cost) in itertools.pairwise(points):
        if not macs < more_macs or cost > more_cost:
            raise ValueError(f"cost_table: the points of {kind} do not rise")
    return points


def _interpolated(points: Points, macs: float) -> float:
    if macs <= points[0][0]:
        return points[0][1]
    above = next((index for index, point in enumerate(points) if point[0] >= macs), len(points) - 1)
    (x0, y0), (x1, y1) = points[above - 1], points[above]
    return y0 + (y1 - y0) * (macs - x0) / (x1 - x0)
