"""The file only grows, and holds each measurement once."""

from __future__ import annotations

from pathlib import Path

import pytest
from samples import measured, records

from lepton_rules.plugin.errors import LeptonError
from lepton_rules.tools.history import store
from lepton_rules.tools.history.store import Record, record

SIZE = {"name": "max_size_ratio", "label": "//models:net_size_test", "environment": None}


def size(value: float, time: str, commit: str | None) -> Record:
    return record(measured(value, **SIZE), time, commit)  # type: ignore[arg-type]


def test_what_was_written_is_read(tmp_path: Path) -> None:
    file = tmp_path / "new" / "history.jsonl"
    made = records([4.0, 3.9], [1, 2])
    store.append(file, made[:1])
    before = file.read_bytes()
    store.append(file, made[1:])
    assert file.read_bytes().startswith(before)
    assert store.read(file) == made
    assert "samples" not in file.read_text()


def test_the_same_is_not_added_again() -> None:
    made = records([4.0, 3.9], [1, 2])
    assert store.new([], made) == made
    assert store.new(made, made) == []
    assert store.new(made[:1], made) == made[1:]
    assert store.new([], made + made) == made


def test_a_value_that_came_back_in_another_commit_is_added() -> None:
    one, two = size(0.25, "2026-01-01T00:00:00Z", "a"), size(0.3, "2026-01-02T00:00:00Z", "b")
    back = size(0.25, "2026-01-01T00:00:00Z", "c")
    assert store.new([one, two], [back]) == [back]
    assert store.new([one, two, back], [back]) == []
    # Old outputs, collected once more, are no change back.
    assert store.new([one, two], [one]) == []
    assert store.new([one, two], [size(0.25, "2026-01-01T00:00:00Z", None)]) == []


def test_a_line_that_was_cut_off_is_none_and_is_written_over(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    made = records([4.0, 3.9, 3.8], [1, 2, 3])
    store.append(file, made[:2])
    file.write_bytes(file.read_bytes()[:-10])
    assert store.read(file) == made[:1]
    store.append(file, made[1:])
    assert store.read(file) == made


@pytest.mark.parametrize("line", ["{}", "[]", "not json", '{"time": "x", "commit": null, "measurement": {}}'])
def test_what_is_no_record_is_an_error(tmp_path: Path, line: str) -> None:
    file = tmp_path / "history.jsonl"
    file.write_text(line + "\n" + records([1.0], [1])[0].line())
    with pytest.raises(LeptonError, match=r"lepton: history history\.jsonl: line 1 is no record"):
        store.read(file)
