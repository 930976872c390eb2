"""The command line that the programs share: a request in a file, and one message when it cannot be built."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from lepton_rules.private.environment.builder import command
from lepton_rules.private.environment.builder.refusal import Refusal


@dataclass(frozen=True)
class Asked:
    """A request of a program that writes a word."""

    name: str
    label: str
    word: str


def _write(asked: Asked, folder: Path) -> None:
    if asked.word == "no":
        raise Refusal("word", "it is no", "Say yes", "details of it")
    (folder / asked.word).write_text(asked.word, encoding="utf-8")


def _run(tmp_path: Path, word: str) -> int:
    file = tmp_path / "request.json"
    file.write_text(json.dumps(vars(Asked("small", "@x//:y", word)), ensure_ascii=False), encoding="utf-8")
    return command.run("environment", Asked, _write, [str(file)])


@pytest.fixture(autouse=True)
def _there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "there")


def test_it_builds_in_the_working_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(tmp_path, "wörd") == 0
    assert (tmp_path / "there" / "wörd").read_text(encoding="utf-8") == "wörd"
    assert capsys.readouterr() == ("", "")


def test_a_path_that_is_no_unicode_is_that_path(tmp_path: Path) -> None:
    fields = b'{"name": "small", "label": "@x//:y", "word": "w\xfcrd"}'
    (tmp_path / "request.json").write_bytes(fields)
    assert (
        command.run(
            "environment", Asked, lambda asked, folder: (folder / asked.word).mkdir(), [str(tmp_path / "request.json")]
        )
        == 0
    )
    assert [os.fsencode(path.name) for path in (tmp_path / "there").iterdir()] == [b"w\xfcrd"]


def test_a_refusal_is_told_with_the_label(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(tmp_path, "no") == 1
    assert capsys.readouterr() == ("", "lepton: word in @x//:y: it is no. Say yes.\ndetails of it\n")


def test_a_file_system_that_refuses_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(tmp_path, "no/such/folder") == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("lepton: environment small in @x//:y: the file system refused (")
    assert err.endswith("). Free space or mend permissions, and build again.\n")


def test_a_field_that_nobody_knows_is_a_mistake_of_ours(tmp_path: Path) -> None:
    (tmp_path / "request.json").write_text('{"name": "a", "label": "b", "word": "c", "more": 1}', encoding="utf-8")
    with pytest.raises(TypeError, match="more"):
        command.run("environment", Asked, _write, [str(tmp_path / "request.json")])
