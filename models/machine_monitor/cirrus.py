"""Vendor Cirrus: binary, 512 samples a second, big-endian 16-bit numbers with a scale and an offset for each channel.

    magic "CRS\\x02", uint16 serial, float32 rate, uint8 number of channels, uint32 number of samples,
    for each channel: char[8] name, float64 scale, float64 offset,
    int16 [samples, channels]: value = offset + scale * number

The channels are `VIB-R` and `VIB-A` in mm/s2, `AMPS` in A, `BAR` in bar, in any order, and others may be among them.
"""

from __future__ import annotations

import struct

import numpy as np
from record import Record

RATE = 512.0
_MAGIC = b"CRS\x02"
_HEAD = struct.Struct(">4sHfBI")
_CHANNEL = struct.Struct(">8sdd")
_NAMES = {"VIB-R": ("radial", 1e-3), "VIB-A": ("axial", 1e-3), "AMPS": ("current", 1.0), "BAR": ("pressure", 1e5)}


def parse(data: bytes) -> Record:
    """A file's record.

    Raises:
        ValueError: it is no such file, or it is truncated.
    """
    if len(data) < _HEAD.size or not data.startswith(_MAGIC):
        raise ValueError(f"no Cirrus file: it begins with {data[:4]!r}")
    _, _, rate, width, samples = _HEAD.unpack_from(data)
    start = _HEAD.size + width * _CHANNEL.size
    size = start + 2 * width * samples
    if len(data) != size:
        raise ValueError(f"no whole Cirrus file: it has {len(data)} bytes, and its header tells of {size}")
    table = np.frombuffer(data, ">i2", offset=start).reshape(samples, width)
    channels = {}
    for index in range(width):
        raw, scale, offset = _CHANNEL.unpack_from(data, _HEAD.size + index * _CHANNEL.size)
        name, unit = _NAMES.get(raw.rstrip(b"\0").decode("ascii"), ("", 0.0))
        if name:
            channels[name] = (offset + scale * table[:, index].astype(np.float64)) * unit
    return Record(rate, channels)


def write(record: Record, serial: int) -> bytes:
    """What the vendor's device stores of a record."""
    units = {own: (name, unit) for name, (own, unit) in _NAMES.items()}
    order = ("pressure", "axial", "current", "radial")
    head, columns = b"", []
    for own in order:
        name, unit = units[own]
        values = record.channels[own] / unit
        offset = float((values.max() + values.min()) / 2)
        scale = max(float(values.max() - values.min()) / 65_000, 1e-12)
        head += _CHANNEL.pack(name.encode(), scale, offset)
        columns.append(np.round((values - offset) / scale))
    # The device's own supply, which no model needs.
    head += _CHANNEL.pack(b"VOLTS", 0.001, 24.0)
    columns.append(np.zeros(len(columns[0])))
    count = len(columns[0])
    body = np.column_stack(columns).astype(">i2").tobytes()
    return _HEAD.pack(_MAGIC, serial, record.rate, len(columns), count) + head + body
