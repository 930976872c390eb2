"""Vendor Acme: CSV with a decimal comma, 256 samples a second, in g, A and psi.

# ACME CMS-4;serial=17
zeit_ms;beschl_x_g;beschl_z_g;strom_a;druck_psi
0,000;0,0812;-0,0031;31,22;58,02
"""

from __future__ import annotations

import io

import numpy as np
from record import Record

RATE = 256.0
_G = 9.80665  # m/s2
_PSI = 6894.757293168  # Pa
_HEADER = "zeit_ms;beschl_x_g;beschl_z_g;strom_a;druck_psi"


def parse(data: bytes) -> Record:
    """A file's record.

    Raises:
        ValueError: it is no such file, or a line lacks a value.
    """
    first, header, body = data.decode("ascii").split("\n", 2)
    if not first.startswith("# ACME CMS-4;") or header != _HEADER:
        raise ValueError(f"no Acme file: it begins with {first[:40]!r}")
    table = np.loadtxt(io.StringIO(body.replace(",", ".")), delimiter=";", ndmin=2)
    time, radial, axial, current, pressure = table.T
    rate = 1000.0 * (len(time) - 1) / (time[-1] - time[0])
    return Record(rate, {"radial": radial * _G, "axial": axial * _G, "current": current, "pressure": pressure * _PSI})


def write(record: Record, serial: int) -> bytes:
    """What the vendor's logger writes of a record."""
    channels = record.channels
    columns = (
        1000.0 * np.arange(len(channels["radial"])) / record.rate,
        channels["radial"] / _G,
        channels["axial"] / _G,
        channels["current"],
        channels["pressure"] / _PSI,
    )
    stream = io.StringIO()
    np.savetxt(stream, np.column_stack(columns), fmt=("%.3f", "%.5f", "%.5f", "%.3f", "%.3f"), delimiter=";")
    return f"# ACME CMS-4;serial={serial}\n{_HEADER}\n{stream.getvalue().replace('.', ',')}".encode("ascii")
