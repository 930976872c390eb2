"""Vendor Borealis: JSON lines, 200 samples a second, one object for each tenth of a second, in m/s2, mA and kPa.

{"dev": "bx-17", "t0": 0.0, "hz": 200, "acc": {"a": [0.8, …], "r": [0.1, …]}, "i_mA": [31220, …], "p_kPa": [400, …]}
"""

from __future__ import annotations

import json

import numpy as np
from record import Record

RATE = 200.0
_BLOCK = 20  # samples an object


def parse(data: bytes) -> Record:
    """A file's record.

    Raises:
        ValueError: a line is no such object, or one is missing.
    """
    blocks = [json.loads(line) for line in data.splitlines()]
    if not blocks or not all(isinstance(block, dict) and "acc" in block for block in blocks):
        raise ValueError("no Borealis file: a line is not an object with acc")
    rate, expected = float(blocks[0]["hz"]), float(blocks[0]["t0"])
    for block in blocks:
        if abs(float(block["t0"]) - expected) > 0.5 / rate:
            raise ValueError(f"no whole Borealis file: a block begins at {block['t0']}, and {expected:.4f} is next")
        expected += len(block["i_mA"]) / rate

    def joined(*path: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        parts = []
        for block in blocks:
            for key in path:
                block = block[key]
            parts.append(np.asarray(block, np.float64))
        return np.concatenate(parts)

    return Record(
        rate,
        {
            "radial": joined("acc", "r"),
            "axial": joined("acc", "a"),
            "current": joined("i_mA") / 1e3,
            "pressure": joined("p_kPa") * 1e3,
        },
    )


def write(record: Record, serial: int) -> bytes:
    """What the vendor's gateway sends of a record."""
    channels = record.channels
    lines = []
    for start in range(0, len(channels["radial"]), _BLOCK):
        part = {name: values[start : start + _BLOCK] for name, values in channels.items()}
        block = {
            "dev": f"bx-{serial}",
            "t0": round(start / record.rate, 4),
            "hz": record.rate,
            "acc": {"a": part["axial"].round(4).tolist(), "r": part["radial"].round(4).tolist()},
            "i_mA": (part["current"] * 1e3).round().astype(int).tolist(),
            "p_kPa": (part["pressure"] / 1e3).round(3).tolist(),
        }
        lines.append(json.dumps(block))
    return "\n".join(lines).encode("ascii")
