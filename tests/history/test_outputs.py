"""Measurements are found in what Bazel leaves, zipped or not, and what is none is said."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from samples import measured, test_logs

from lepton_rules.plugin.errors import LeptonError
from lepton_rules.tools.history import outputs

logs = test_logs
logs.__test__ = False  # type: ignore[attr-defined]


@pytest.mark.parametrize("zipped", [True, False])
def test_it_is_found_and_read(tmp_path: Path, zipped: bool) -> None:
    content = measured(4.0)
    path = logs(tmp_path, content, zipped=zipped)
    (tmp_path / "outputs.zip").write_bytes(b"of no test")
    assert list(outputs.find(tmp_path)) == [path]
    loaded = outputs.load(path)
    assert loaded is not None
    assert loaded[0] == content
    assert loaded[1].endswith("Z")


def test_the_time_is_when_it_was_measured_wherever_the_zip_comes_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = logs(tmp_path, measured(4.0))
    first = outputs.load(path)
    path.touch()
    assert outputs.load(path) == first


def test_runs_and_shards_are_all_found(tmp_path: Path) -> None:
    for part in ("run_1_of_2", "run_2_of_2"):
        logs(tmp_path / part, measured(4.0))
    assert len(list(outputs.find(tmp_path))) == 2


def test_a_zip_of_another_test_has_none(tmp_path: Path) -> None:
    place = tmp_path / "test.outputs"
    place.mkdir()
    with zipfile.ZipFile(place / "outputs.zip", "w") as archive:
        archive.writestr("core.txt", "x")
    (path,) = outputs.find(tmp_path)
    assert outputs.load(path) is None


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 cut off"])
def test_a_broken_zip_is_said(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "outputs.zip"
    path.write_bytes(content)
    with pytest.raises(LeptonError, match="it cannot be read"):
        outputs.load(path)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"schema_version": 99}', '{"a": 1, "a": 2}', "\x00"])
def test_what_is_no_measurement_is_said(tmp_path: Path, text: str) -> None:
    path = tmp_path / "measurement.json"
    path.write_text(text)
    with pytest.raises(LeptonError, match=r"it (cannot be read|is none of this version)"):
        outputs.load(path)


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "outputs.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("measurement.json", b" " * (65 << 20))
    with pytest.raises(LeptonError, match="it declares 68157440 bytes"):
        outputs.load(path)


def test_a_place_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(LeptonError, match="Run tests first"):
        list(outputs.find(tmp_path / "none"))
