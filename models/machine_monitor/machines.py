"""Simulates pumps: what four sensors see of a machine that is sound, or has one of four faults.

The signatures are those of the textbooks (Randall, "Vibration-based Condition Monitoring", 2nd edition, 2021):
misalignment raises the second harmonic and turns the phase between radial and axial vibration; a defect in a bearing's
outer race rings a resonance at a non-integer multiple of the speed; cavitation is noise in bursts, in pressure and
vibration at once; a broken rotor bar modulates current and vibration in one rhythm. Every fault is scaled so that each
channel keeps the energy that it had: no level tells it. Machines differ in speed, gains, offsets and noise by far more
than any fault would change, and sound ones have knocks, load swings and drifting speed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from record import CHANNELS

RATE = 1024.0  # Hz, of the simulation
FAULTS = ("misalignment", "bearing", "cavitation", "rotor_bar")
_OUTER_RACE = 3.57  # impacts a turn
_VANES = 3

Signal = NDArray[np.float64]


@dataclass(frozen=True)
class Machine:
    """What is a machine's own and stays: drawn once from its number."""

    number: int
    speed: float  # turns a second
    gains: Mapping[str, float]
    offsets: Mapping[str, float]
    noise: Mapping[str, float]
    harmonics: tuple[float, float, float]
    angle: float  # between radial and axial vibration, radian

    @classmethod
    def drawn(cls, number: int) -> Machine:
        """The machine of a number, the same each time."""
        generator = np.random.default_rng((2024, number))

        def spread(middle: float, sigma: float) -> float:
            return float(middle * np.exp(sigma * generator.standard_normal()))

        return cls(
            number=number,
            speed=float(generator.uniform(12.0, 22.0)),
            gains={"radial": spread(2.0, 0.6), "axial": spread(1.2, 0.6), "current": spread(1.5, 0.5),
                   "pressure": spread(8e3, 0.5)},
            offsets={"radial": float(generator.normal(0, 0.3)), "axial": float(generator.normal(0, 0.3)),
                     "current": spread(30.0, 0.4), "pressure": spread(4e5, 0.3)},
            noise={name: spread(0.2, 0.4) for name in CHANNELS},
            harmonics=(1.0, float(generator.uniform(0.15, 0.35)), float(generator.uniform(0.05, 0.15))),
            angle=float(np.pi / 2 + generator.normal(0, 0.25)),
        )  # fmt: skip


def simulate(machine: Machine, fault: str | None, seconds: float, seed: int) -> dict[str, Signal]:
    """What the sensors see: float64 [RATE * seconds] for each channel, in SI units.

    Args:
        machine: whose record it is.
        fault: one of FAULTS, or None for a sound machine.
        seconds: how long.
        seed: of everything that is not the machine's own: load, phases, knocks, noise, the fault's strength.
    """
    generator = np.random.default_rng((seed, machine.number))
    count = round(RATE * seconds)
    time = np.arange(count) / RATE
    load = generator.uniform(0.4, 1.2)
    turns = _turns(machine.speed * (0.94 + 0.1 * load), time, generator)
    sound = _sound(machine, turns, time, load, generator)
    found = sound
    if fault is not None:
        strength = generator.uniform(0.4, 1.0)
        found = _with_fault(fault, machine, sound, turns, time, strength, generator)
    swing = 1 + 0.12 * np.sin(2 * np.pi * generator.uniform(0.2, 0.6) * time + generator.uniform(0, 2 * np.pi))
    levels = {name: np.sqrt(load) for name in ("radial", "axial", "pressure")} | {"current": load}
    means = {"radial": 1.0, "axial": 1.0, "current": 0.5 + 0.5 * load, "pressure": load**2}
    return {
        name: machine.offsets[name] * means[name] + machine.gains[name] * levels[name] * swing * found[name]
        for name in CHANNELS
    }


def _turns(speed: float, time: Signal, generator: np.random.Generator) -> Signal:
    """The shaft's angle in turns: the speed drifts by up to two percent."""
    drift = 0.02 * np.sin(2 * np.pi * generator.uniform(0.05, 0.2) * time + generator.uniform(0, 2 * np.pi))
    turns: Signal = np.cumsum(speed * (1 + drift)) / RATE + generator.uniform()
    return turns


def _waves(turns: Signal, harmonics: tuple[float, ...], phases: Signal) -> Signal:
    total: Signal = np.zeros_like(turns)
    for order, (amplitude, phase) in enumerate(zip(harmonics, phases, strict=True), start=1):
        total += amplitude * np.sin(2 * np.pi * order * turns + phase)
    return total


def _sound(
    machine: Machine, turns: Signal, time: Signal, load: float, generator: np.random.Generator
) -> dict[str, Signal]:
    phases = generator.uniform(0, 2 * np.pi, 3)
    one, two, three = machine.harmonics
    knocks = _knocks(time, generator)
    waves = {
        "radial": _waves(turns, (one, two, three), phases) + knocks,
        "axial": _waves(turns, (one, two, three), phases + np.array([machine.angle, 0.4, 1.1])) + 0.5 * knocks,
        "current": np.sin(4 * np.pi * turns + generator.uniform(0, 2 * np.pi)) + 0.2 * np.sin(2 * np.pi * turns),
        "pressure": np.sin(2 * np.pi * _VANES * turns + generator.uniform(0, 2 * np.pi)),
    }
    return {name: wave + machine.noise[name] * _noise(time, generator) for name, wave in waves.items()}


def _noise(time: Signal, generator: np.random.Generator) -> Signal:
    """White below the sensors' band, 2.5 times as strong at this rate as what is left of it in the band."""
    noise: Signal = 2.5 * generator.standard_normal(len(time))
    return noise


def _ring(time: Signal, start: float, frequency: float, decay: float) -> Signal:
    """A resonance that is struck at `start` and dies away within `decay` seconds."""
    after = time - start
    return np.where(after >= 0, np.exp(-np.maximum(after, 0) / decay) * np.sin(2 * np.pi * frequency * after), 0.0)


def _knocks(time: Signal, generator: np.random.Generator) -> Signal:
    """Single blows from outside, about one in two seconds: they have peaks, and mean nothing."""
    total: Signal = np.zeros_like(time)
    for start in generator.uniform(0, time[-1], generator.poisson(0.5 * time[-1])):
        total += generator.uniform(0.5, 2.5) * _ring(time, start, generator.uniform(35, 80), 0.04)
    return total


def _with_fault(
    fault: str,
    machine: Machine,
    sound: Mapping[str, Signal],
    turns: Signal,
    time: Signal,
    strength: float,
    generator: np.random.Generator,
) -> dict[str, Signal]:
    found = dict(sound)
    if fault == "misalignment":
        phases = generator.uniform(0, 2 * np.pi, 3)
        one, two, three = machine.harmonics
        harmonics = (one, two + 1.1 * strength, three)
        opposed = phases + np.array([np.pi + generator.normal(0, 0.2), np.pi, 1.1])
        found["radial"] = _waves(turns, harmonics, phases) + machine.noise["radial"] * _noise(time, generator)
        found["axial"] = _waves(turns, harmonics, opposed) + machine.noise["axial"] * _noise(time, generator)
    elif fault == "bearing":
        rings: Signal = np.zeros_like(time)
        frequency = generator.uniform(66, 78)
        impacts = np.flatnonzero(np.diff(np.floor(turns * _OUTER_RACE)) > 0)
        for index in impacts:
            start = time[index] + generator.normal(0, 0.001)
            rings += _ring(time, start, frequency, 0.012)
        rings *= 1.6 * strength / max(float(rings.std()), 1e-9)
        found["radial"] = sound["radial"] + rings
        found["axial"] = sound["axial"] + 0.6 * rings
    elif fault == "cavitation":
        wave = np.sin(2 * np.pi * turns + generator.uniform(0, 2 * np.pi))
        bursts = np.maximum(0, wave) ** 2 * _noise(time, generator)
        found["pressure"] = sound["pressure"] + 1.6 * strength * bursts
        found["radial"] = sound["radial"] + 1.3 * strength * bursts
    else:
        rhythm = 1 + 0.95 * strength * np.sin(
            2 * np.pi * generator.uniform(3.0, 5.0) * time + generator.uniform(0, 2 * np.pi)
        )
        found["current"] = sound["current"] * rhythm
        found["radial"] = sound["radial"] * rhythm
    # No level tells the fault.
    return {name: wave * float(sound[name].std() / wave.std()) for name, wave in found.items()}
