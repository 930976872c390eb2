"""The vendors' formats and the normalisation: whatever a record came through, the model sees the same windows."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import acme
import borealis
import cirrus
import numpy as np
import pytest
from machines import FAULTS, Machine, simulate
from normalise import BAND, RATE, WINDOW, levels, resampled, windows
from record import CHANNELS, Record
from streams import FLEETS, SECONDS, VENDORS, streams

PARSERS = list(VENDORS.values())


def ramp(rate: float, samples: int = 40) -> Record:
    """A record whose channels are told apart by their values."""
    time = np.arange(samples) / rate
    return Record(
        rate,
        {
            "radial": 2.0 * np.sin(30 * time),
            "axial": -0.5 * np.cos(20 * time),
            "current": 31.0 + time,
            "pressure": 4.0e5 + 900.0 * np.sin(10 * time),
        },
    )


@pytest.mark.parametrize("vendor", PARSERS, ids=lambda vendor: vendor.__name__)
def test_a_parser_reads_what_its_vendor_writes(vendor: ModuleType) -> None:
    record = ramp(vendor.RATE)
    found = vendor.parse(vendor.write(record, 17))
    assert found.rate == pytest.approx(vendor.RATE, rel=1e-4)
    for name, tolerance in zip(CHANNELS, (1e-3, 1e-3, 1e-2, 10.0), strict=True):
        np.testing.assert_allclose(found.channels[name], record.channels[name], rtol=0, atol=tolerance)


def test_the_formats_are_unlike() -> None:
    """Each by its own bytes, written by hand."""
    text = b"# ACME CMS-4;serial=1\nzeit_ms;beschl_x_g;beschl_z_g;strom_a;druck_psi\n"
    text += b"0,000;1,00000;-0,50000;31,250;58,000\n3,906;0,00000;0,00000;31,000;60,000\n"
    record = acme.parse(text)
    assert record.rate == pytest.approx(256, rel=1e-3)
    assert record.channels["radial"][0] == pytest.approx(9.80665)
    assert record.channels["axial"][0] == pytest.approx(-4.903325)
    assert record.channels["pressure"][1] == pytest.approx(413_685.4, rel=1e-6)
    lines = b'{"t0": 0.0, "hz": 200, "acc": {"a": [1, 2], "r": [3, 4]}, "i_mA": [1500, 1600], "p_kPa": [100, 101]}\n'
    lines += b'{"t0": 0.01, "hz": 200, "acc": {"a": [5], "r": [6]}, "i_mA": [1700], "p_kPa": [102]}'
    record = borealis.parse(lines)
    assert record.channels["axial"].tolist() == [1, 2, 5] and record.channels["radial"].tolist() == [3, 4, 6]
    assert record.channels["current"].tolist() == [1.5, 1.6, 1.7] and record.channels["pressure"][2] == 102_000
    data = bytes.fromhex("43525302 0011 44000000 04 00000002".replace(" ", ""))
    for name, scale, offset in (
        (b"BAR", "3f50624dd2f1a9fc", "4010000000000000"),
        (b"VIB-R", "3ff0000000000000", "0" * 16),
        (b"VIB-A", "4000000000000000", "0" * 16),
        (b"AMPS", "3fe0000000000000", "0" * 16),
    ):
        data += name.ljust(8, b"\0") + bytes.fromhex(scale) + bytes.fromhex(offset)
    data += bytes.fromhex("000a 0001 ffff 0002" + "fff6 0100 0000 0004")
    record = cirrus.parse(data)
    assert record.rate == 512
    np.testing.assert_allclose(record.channels["pressure"], [401_000, 399_000])
    np.testing.assert_allclose(record.channels["radial"], [0.001, 0.256])
    np.testing.assert_allclose(record.channels["axial"], [-0.002, 0])
    np.testing.assert_allclose(record.channels["current"], [1, 2])


@pytest.mark.parametrize(
    ("vendor", "data"),
    [
        (acme, b"time,x\n1,2\n3,4\n"),
        (acme, acme.write(ramp(256.0), 1).replace(b";31", b";nan", 1)),
        (borealis, b'{"t": 1}'),
        (borealis, b"\n".join(borealis.write(ramp(200.0, 60), 1).splitlines()[::2])),
        (cirrus, b"CRS\x01" + bytes(40)),
        (cirrus, cirrus.write(ramp(512.0), 1)[:-1]),
        (cirrus, cirrus.write(ramp(512.0), 1).replace(b"AMPS", b"WATT")),
    ],
)
def test_other_data_are_refused(vendor: ModuleType, data: bytes) -> None:
    with pytest.raises(ValueError, match=r"file|record|convert"):
        vendor.parse(data)


def test_resampling_keeps_what_is_in_the_band() -> None:
    """A tone below the band's end stays as it is, one above it goes, at each vendor's rate."""
    for rate in (200.0, 256.0, 512.0, 1024.0):
        time, wanted = np.arange(int(8 * rate)) / rate, np.arange(int(8 * RATE)) / RATE
        for frequency in (3.0, 40.5, 77.25):
            found = resampled(np.sin(2 * np.pi * frequency * time), rate)
            middle = slice(len(wanted) // 4, -len(wanted) // 4)
            np.testing.assert_allclose(found[middle], np.sin(2 * np.pi * frequency * wanted)[middle], rtol=0, atol=0.02)
        gone = resampled(np.sin(2 * np.pi * (BAND + 7) * time), rate)
        assert np.abs(gone[len(gone) // 4 : -len(gone) // 4]).max() < 0.02


def test_every_vendor_gives_the_same_windows() -> None:
    """Of one machine: rate, units, names, resolution and order are gone."""
    from streams import _sensed

    signals = simulate(Machine.drawn(7), "bearing", SECONDS, seed=3)
    found = []
    for vendor in PARSERS:
        sensed = Record(vendor.RATE, {name: _sensed(values, vendor.RATE) for name, values in signals.items()})
        found.append(windows(vendor.parse(vendor.write(sensed, 7))))
    for other in found[1:]:
        assert other.shape == found[0].shape == (int(SECONDS), WINDOW, len(CHANNELS))
        for channel in range(len(CHANNELS)):
            assert np.corrcoef(other[1:-1, :, channel].ravel(), found[0][1:-1, :, channel].ravel())[0, 1] > 0.995


def test_windows_are_standardised() -> None:
    record = ramp(256.0, 2048)
    found = windows(record)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.mean(axis=1), 0, atol=1e-4)
    np.testing.assert_allclose(found.std(axis=1), 1, atol=1e-3)
    scaled = Record(record.rate, {name: 3 * values - 8 for name, values in record.channels.items()})
    np.testing.assert_allclose(windows(scaled), found, atol=1e-3)


def test_no_fault_changes_the_energy_of_a_channel() -> None:
    for fault in FAULTS:
        for name in CHANNELS:
            sound, faulty = (simulate(Machine.drawn(3), kind, SECONDS, seed=5)[name].std() for kind in (None, fault))
            assert faulty == pytest.approx(sound, rel=0.15), (fault, name)


def test_fleets_share_no_machine() -> None:
    def machines(fleet: str) -> set[Any]:
        return {number for numbers in FLEETS[fleet].values() for number in numbers}

    assert not machines("training") & machines("held_out")
    assert "cirrus" not in FLEETS["training"] and "cirrus" in FLEETS["held_out"]


def test_the_same_bytes_each_time() -> None:
    first, again = (next(streams("held_out")) for _ in range(2))
    assert first == again and first.data.startswith(b"# ACME")
    assert levels(first.parsed()).shape == (int(SECONDS), WINDOW, len(CHANNELS))
