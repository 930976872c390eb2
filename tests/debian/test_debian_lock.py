"""The tool that writes a lock, and what takes the place of packages that are gone."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import archive
import pytest

from lepton_rules.private.debian.builder import index, newest, write_lock


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> archive.Archive:
    """An archive that no key has signed."""
    made = archive.Archive(tmp_path / "archive")
    monkeypatch.setenv("LEPTON_DEBIAN_MIRROR", made.address)
    monkeypatch.setattr(index, "_KEYRINGS", ())
    return made


def _lock(tmp_path: Path, *options: str) -> int:
    return write_lock.main(["--suite", "bookworm", "--output", str(tmp_path / "base.json"), *options])


def test_a_lock(tmp_path: Path, small: archive.Archive, capsys: pytest.CaptureFixture[str]) -> None:
    small.add("a", "1", depends="b (>= 1)")
    line = small.add("b", "1.5")
    assert _lock(tmp_path, "--package", "a") == 0
    lock = json.loads((tmp_path / "base.json").read_text(encoding="utf-8"))
    assert [package["name"] for package in lock["packages"]] == ["a", "b"]
    assert lock["packages"][1] == line
    assert "archive" not in (tmp_path / "base.json").read_text(encoding="utf-8").replace("pool/", "")
    assert "the archive's signature was not checked" in capsys.readouterr().out


def test_like_repeats_what_was_asked_for(tmp_path: Path, small: archive.Archive) -> None:
    small.add("a", "1", depends="b, c")
    small.add("b", "1")
    small.add("c", "1")
    assert _lock(tmp_path, "--package", "a", "--without", "c") == 0
    small.add("a", "2", depends="b, c")
    assert write_lock.main(["--like", str(tmp_path / "base.json"), "--output", str(tmp_path / "base.json")]) == 0
    lock = json.loads((tmp_path / "base.json").read_text(encoding="utf-8"))
    assert [(package["name"], package["version"]) for package in lock["packages"]] == [("a", "2"), ("b", "1")]
    assert "--without c" in lock["command"]


def test_an_old_lock_stays_when_a_new_one_cannot_be_written(
    tmp_path: Path, small: archive.Archive, capsys: pytest.CaptureFixture[str]
) -> None:
    small.add("a", "1")
    (tmp_path / "base.json").write_text("old", encoding="utf-8")
    assert _lock(tmp_path, "--package", "z") == 1
    assert (tmp_path / "base.json").read_text(encoding="utf-8") == "old"
    assert capsys.readouterr().err.startswith("lepton: package z in base.json: no index has it")


def test_no_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("LEPTON_DEBIAN_MIRROR", (tmp_path / "nowhere").as_uri())
    assert _lock(tmp_path, "--package", "a") == 1
    assert "no mirror has it. Set LEPTON_DEBIAN_MIRROR to the address of a Debian mirror" in capsys.readouterr().err


def test_a_list_that_is_not_the_signed_one(
    tmp_path: Path, small: archive.Archive, capsys: pytest.CaptureFixture[str]
) -> None:
    small.add("a", "1")
    (small.folder / "dists/bookworm/main/binary-amd64/Packages.xz").write_bytes(b"changed")
    assert _lock(tmp_path, "--package", "a") == 1
    assert "that fits its InRelease" in capsys.readouterr().err


def test_the_newest_in_place_of_what_is_gone(small: archive.Archive) -> None:
    old = small.add("a", "1+deb12u1")
    small.add("b", "1")
    new = small.add("a", "1+deb12u2")
    small.remove(str(old["file"]))
    assert [vars(item) for item in newest.newest([small.address], ["bookworm"], [old])] == [new]  # type: ignore[list-item]


def test_what_is_locked_is_what_is_there(tmp_path: Path, small: archive.Archive) -> None:
    small.add("a", "1")
    assert _lock(tmp_path, "--package", "a") == 0
    (line,) = json.loads((tmp_path / "base.json").read_text(encoding="utf-8"))["packages"]
    body = (small.folder / line["file"]).read_bytes()
    assert (line["size"], line["sha256"]) == (len(body), hashlib.sha256(body).hexdigest())
