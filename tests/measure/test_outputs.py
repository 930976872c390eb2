"""Measurements are found in what Bazel leaves, zipped or not, and what is none is said."""

from __future__ import annotations

import json
import os
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lepton_rules.measure import outputs
from lepton_rules.measure.budget import Budget
from lepton_rules.measure.measurement import Measured, measurement
from lepton_rules.measure.verdict import Outcome, Verdict
from lepton_rules.plugin.errors import LeptonError


def measured(label: str = "//models:net_latency_test", value: str = "4.0") -> dict[str, Any]:
    """A measurement.json of one budget."""
    budget = Budget(name="min_speedup", limit=Decimal("3"), unit="ratio", suffix="")
    outcome = Outcome(budget=budget, verdict=Verdict.PASS, value=Decimal(value), why="it is")
    made = measurement(
        "latency", label, Measured(label="//models:net", digest="sha256:" + 64 * "1"), None, [outcome], {}
    )
    parsed: dict[str, Any] = json.loads(json.dumps(made))
    return parsed


def leave(folder: Path, content: Any, *, zipped: bool, hour: int = 12, name: str = "measurement.json") -> Path:
    """A test's outputs as Bazel leaves them."""
    place = folder / "test.outputs"
    place.mkdir(parents=True, exist_ok=True)
    if not zipped:
        path = place / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content))
        return path
    with zipfile.ZipFile(place / "outputs.zip", "w") as archive:
        archive.writestr("other.txt", "x")
        archive.writestr(zipfile.ZipInfo(name, (2026, 1, 31, hour, 0, 0)), json.dumps(content))
    return place / "outputs.zip"


@pytest.mark.parametrize("zipped", [True, False])
def test_it_is_found_and_read(tmp_path: Path, zipped: bool) -> None:
    path = leave(tmp_path / "models" / "net_latency_test", measured(), zipped=zipped)
    (tmp_path / "outputs.zip").write_bytes(b"of no test")
    assert list(outputs.find(tmp_path)) == list(outputs.find(path)) == [path]
    for found in (outputs.collect(tmp_path), outputs.collect(path)):
        (one,) = found.outputs
        assert (one.measurement, found.unreadable) == (measured(), [])
        assert one.time.endswith("Z")


@pytest.mark.parametrize("zipped", [True, False])
def test_what_a_test_keeps_deeper_down_is_not_its_own(tmp_path: Path, zipped: bool) -> None:
    leave(tmp_path / "x_test", measured(), zipped=zipped, name="copy/measurement.json")
    found = outputs.collect(tmp_path)
    assert (found.outputs, found.unreadable) == ([], [])


def test_the_time_is_when_it_was_measured_wherever_the_zip_comes_from(tmp_path: Path) -> None:
    path = leave(tmp_path, measured(), zipped=True)
    first = outputs.load(path)
    path.touch()
    assert first is not None and outputs.load(path) == first


def test_runs_and_shards_are_all_found_and_the_newest_counts(tmp_path: Path) -> None:
    leave(tmp_path / "run_1_of_3", measured(value="1.0"), zipped=True, hour=11)
    leave(tmp_path / "run_2_of_3", measured(value="2.0"), zipped=True, hour=13)
    leave(tmp_path / "run_3_of_3", measured(value="3.0"), zipped=True, hour=12)
    found = outputs.collect(tmp_path)
    assert len(found.outputs) == 3
    assert found.newest() == {"//models:net_latency_test": measured(value="2.0")}


def test_what_a_newer_test_adds_is_left_alone(tmp_path: Path) -> None:
    newer = measured() | {"more": {"fields": True}}
    newer["budgets"][0]["surprise"] = newer["artifact"]["surprise"] = 1
    loaded = outputs.load(leave(tmp_path, newer, zipped=True))
    assert loaded is not None and loaded.measurement == newer


def test_a_zip_of_another_test_has_none(tmp_path: Path) -> None:
    assert outputs.load(leave(tmp_path, {}, zipped=True, name="core.txt")) is None


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 cut off"])
def test_a_broken_zip_is_said(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "outputs.zip"
    path.write_bytes(content)
    with pytest.raises(LeptonError, match="it cannot be read"):
        outputs.load(path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "it cannot be read"),
        ("{", "it cannot be read"),
        ('{"a": 1, "a": 2}', "it cannot be read"),
        ("\x00", "it cannot be read"),
        ("[]", "its schema_version is None, and 1 is read here"),
        ("{}", "its schema_version is None, and 1 is read here"),
        ('{"schema_version": 99}', "its schema_version is 99, and 1 is read here"),
        ('{"schema_version": 1, "kind": "latency"}', "it is none of this version"),
        (json.dumps(measured() | {"budgets": []}), "it is none of this version"),
        (json.dumps(measured() | {"artifact": {"label": "//m:x", "digest": "sha256:1"}}), "it is none of this version"),
    ],
)
def test_what_is_no_measurement_is_said(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "x_test" / "test.outputs" / "measurement.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    leave(tmp_path / "good_test", measured(), zipped=False)
    found = outputs.collect(tmp_path, relative=True)
    assert len(found.outputs) == 1
    (error,) = found.unreadable
    assert str(error).startswith(f"lepton: measurement x_test/test.outputs/measurement.json: {says}")
    (error,) = outputs.collect(path.parent).unreadable
    assert str(path) in str(error)


@pytest.mark.parametrize("zipped", [True, False])
def test_what_is_too_large_is_not_unpacked(tmp_path: Path, zipped: bool) -> None:
    path = tmp_path / ("outputs.zip" if zipped else "measurement.json")
    if zipped:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("measurement.json", b" " * (65 << 20))
    else:
        path.touch()
        os.truncate(path, 65 << 20)
    with pytest.raises(LeptonError, match=r"it (declares|has) 68157440 bytes"):
        outputs.load(path)


def test_a_place_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(LeptonError, match="Run tests first"):
        outputs.collect(tmp_path / "none")
