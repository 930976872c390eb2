"""From a record of any vendor to windows that a model takes: one rate, one band, one scale."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from record import CHANNELS, Record

RATE = 192.0  # samples a second
WINDOW = 192  # samples
# What every vendor's rate can carry; above it there is vendor.
BAND = 85.0  # Hz


def resampled(
    values: NDArray[np.float64], rate: float, wanted: float = RATE, band: float = BAND
) -> NDArray[np.float64]:
    """A signal at another rate, without what lies above `band`: the Fourier method, which is exact for what is below.

    Its ends are mirrored, so that they do not ring.
    """
    mirrored = np.concatenate([values, values[::-1]])
    spectrum = np.fft.rfft(mirrored)
    count = round(len(values) * wanted / rate)
    frequencies = np.fft.rfftfreq(len(mirrored), 1 / rate)
    spectrum[frequencies > band] = 0
    size = count + 1
    changed = np.zeros(size, complex)
    kept = min(size, len(spectrum))
    changed[:kept] = spectrum[:kept]
    signal: NDArray[np.float64] = np.fft.irfft(changed, 2 * count)[:count] * (2 * count / len(mirrored))
    return signal


def levels(record: Record) -> NDArray[np.float64]:
    """The windows in SI units: [windows, WINDOW, channels]."""
    signals = np.stack([resampled(record.channels[name], record.rate) for name in CHANNELS], axis=-1)
    count = len(signals) // WINDOW
    return signals[: count * WINDOW].reshape(count, WINDOW, len(CHANNELS))


def windows(record: Record) -> NDArray[np.float32]:
    """The windows as the model takes them: float32 [windows, WINDOW, channels], each channel of each window with mean 0
    and variance 1. So no offset, gain or unit of a machine or a vendor is left."""
    found = levels(record)
    centred = found - found.mean(axis=1, keepdims=True)
    scale = np.maximum(centred.std(axis=1, keepdims=True), 1e-9)
    return (centred / scale).astype(np.float32)
