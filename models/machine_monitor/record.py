"""A record of one machine, whatever its vendor: channels under common names in SI units, at the vendor's own rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Acceleration in m/s2 at the bearing, across the shaft and along it; the motor's current in A; the pressure in Pa.
CHANNELS = ("radial", "axial", "current", "pressure")


@dataclass(frozen=True)
class Record:
    """What a parser gives.

    Args:
        rate: samples a second.
        channels: float64 [samples] for each of CHANNELS, all of one length.
    """

    rate: float
    channels: Mapping[str, NDArray[np.float64]]

    def __post_init__(self) -> None:
        lengths = {name: len(values) for name, values in self.channels.items()}
        if set(lengths) != set(CHANNELS) or len(set(lengths.values())) != 1:
            raise ValueError(f"a record has the channels {', '.join(CHANNELS)}, all of one length; got {lengths}")
        if not self.rate > 0 or not all(np.isfinite(values).all() for values in self.channels.values()):
            raise ValueError("a record's rate is positive, and its values are numbers")
