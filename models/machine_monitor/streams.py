"""The fleet as a dataset: machines of three vendors, each record written in its vendor's format and parsed again.

The training machines are of Acme and Borealis. Held out are other machines of both, and every machine of Cirrus.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import acme
import borealis
import cirrus
import numpy as np
from machines import FAULTS, Machine, simulate
from machines import RATE as SIMULATED
from normalise import resampled, windows
from numpy.typing import NDArray
from record import Record

VENDORS: Mapping[str, ModuleType] = {"acme": acme, "borealis": borealis, "cirrus": cirrus}
# Vendor to the numbers of its machines.
FLEETS: Mapping[str, Mapping[str, range]] = {
    "training": {"acme": range(16), "borealis": range(100, 116)},
    "held_out": {"acme": range(50, 56), "borealis": range(150, 156), "cirrus": range(200, 208)},
}
SECONDS = 8.0
_SOUND, _FAULTY = 5, 3  # records of each machine


@dataclass(frozen=True)
class Stream:
    """A record of a machine as its vendor delivers it."""

    vendor: str
    machine: int
    fault: str | None
    data: bytes

    def parsed(self) -> Record:
        """The record, by the vendor's parser."""
        record: Record = VENDORS[self.vendor].parse(self.data)
        return record


def streams(fleet: str) -> Iterator[Stream]:
    """Every record of a fleet."""
    for vendor, numbers in FLEETS[fleet].items():
        for number in numbers:
            machine = Machine.drawn(number)
            for index in range(_SOUND + _FAULTY):
                fault = None if index < _SOUND else FAULTS[(number + index) % len(FAULTS)]
                signals = simulate(machine, fault, SECONDS, seed=index)
                rate = VENDORS[vendor].RATE
                sensed = {name: _sensed(values, rate) for name, values in signals.items()}
                yield Stream(vendor, number, fault, VENDORS[vendor].write(Record(rate, sensed), number))


def _sensed(values: NDArray[np.float64], rate: float) -> NDArray[np.float64]:
    """A signal at a vendor's rate, behind the filter that each has against aliasing."""
    return resampled(values, SIMULATED, rate, 0.45 * rate)


def generate(config: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """The dataset of a fleet.

    Args:
        config: `fleet`: `training` or `held_out`.

    Returns:
        `window`, float32 [windows, 192, 4]; `labels`, int64 [windows]: 1 where the machine has a fault.
    """
    config = dict(config)
    fleet = config.pop("fleet")
    if config:
        raise ValueError(f"unknown configuration {sorted(config)}; known is fleet")
    parts, labels = [], []
    for stream in streams(fleet):
        found = windows(stream.parsed())
        parts.append(found)
        labels.append(np.full(len(found), stream.fault is not None, np.int64))
    return {"window": np.concatenate(parts), "labels": np.concatenate(labels)}
