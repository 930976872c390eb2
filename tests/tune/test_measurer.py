"""A measurement is asked for once, whoever asks again."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from samples import facts

from lepton_rules.measure import paired
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.tune.measurer import Measurer

ANSWER = '{"speedup": 2.5, "interval": [2.4, 2.6], "pairs": 60, "candidate_ms": 1.5, "unstable": ""}'


def measurer(folder: Path, script: str, *, dataset: bool = True, batch: int = 1) -> Measurer:
    launcher = folder / "launch"
    launcher.write_text(f"#!/bin/sh\ncp $2 {folder}/asked.json\necho >>{folder}/calls\n{script}\n")
    launcher.chmod(launcher.stat().st_mode | stat.S_IXUSR)
    (folder / "env.key").write_text("key")
    (folder / "identity.json").write_text('{"cpu": "x"}')
    return Measurer(
        facts(),
        launcher=launcher,
        python_path=["plugin"],
        identity=folder / "identity.json",
        dataset=folder / "data.npz" if dataset else None,
        memory=folder / "measured.jsonl",
        batch=batch,
        pairs=60,
        seconds=6.0,
    )


def calls(folder: Path) -> int:
    return len((folder / "calls").read_text().splitlines()) if (folder / "calls").exists() else 0


def test_the_answer_is_remembered(tmp_path: Path) -> None:
    for again in range(2):
        found = measurer(tmp_path, f"echo '{ANSWER}'").measure(tmp_path / "b", tmp_path / "c", ("sha256:1", "sha256:2"))
        assert (found.speedup, found.interval, found.pairs) == (2.5, (2.4, 2.6), 60), again
    assert calls(tmp_path) == 1
    assert json.loads((tmp_path / "asked.json").read_text())["candidate"] == str(tmp_path / "c")


def test_another_question_is_asked(tmp_path: Path) -> None:
    places = (tmp_path / "b", tmp_path / "c")
    measurer(tmp_path, f"echo '{ANSWER}'").measure(*places, ("sha256:1", "sha256:2"))
    measurer(tmp_path, f"echo '{ANSWER}'").measure(*places, ("sha256:1", "sha256:3"))
    measurer(tmp_path, f"echo '{ANSWER}'", batch=8).measure(*places, ("sha256:1", "sha256:2"))
    measurer(tmp_path, f"echo '{ANSWER}'").measure(*places, ("sha256:1", "sha256:2"), 120)
    here = measurer(tmp_path, f"echo '{ANSWER}'")
    (tmp_path / "identity.json").write_text('{"cpu": "another"}')
    here.measure(*places, ("sha256:1", "sha256:2"))
    assert calls(tmp_path) == 5


def test_figures_of_another_method_are_kept_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the method of before said is neither used nor lost: whoever goes back to it finds it again."""
    places = (tmp_path / "b", tmp_path / "c", ("sha256:1", "sha256:2"))
    before = paired.METHOD
    measurer(tmp_path, f"echo '{ANSWER}'").measure(*places)
    monkeypatch.setattr(paired, "METHOD", before + 1)
    slower = measurer(tmp_path, f"echo '{ANSWER.replace('2.5', '2.45')}'")
    assert [slower.measure(*places).speedup for _ in range(2)] == [2.45, 2.45]
    assert calls(tmp_path) == 2
    monkeypatch.setattr(paired, "METHOD", before)
    assert measurer(tmp_path, "exit 1").measure(*places).speedup == 2.5
    assert calls(tmp_path) == 2


def test_a_line_that_was_cut_off_is_measured_again(tmp_path: Path) -> None:
    places = (tmp_path / "b", tmp_path / "c", ("sha256:1", "sha256:2"))
    measurer(tmp_path, f"echo '{ANSWER}'").measure(*places)
    memory = tmp_path / "measured.jsonl"
    memory.write_text(memory.read_text()[:-20])
    measurer(tmp_path, f"echo '{ANSWER}'").measure(*places)
    assert calls(tmp_path) == 2


def test_what_fails_says_why_and_is_not_remembered(tmp_path: Path) -> None:
    failing = measurer(tmp_path, "echo noise >&2; echo 'lepton: hardware: there is no chip. Buy one.' >&2; exit 1")
    for _ in range(2):
        with pytest.raises(LeptonError, match=r"there is no chip"):
            failing.measure(tmp_path / "b", tmp_path / "c", ("sha256:1", "sha256:2"))
    assert calls(tmp_path) == 2


def test_what_is_not_clear_is_measured_again_and_the_clearest_counts(tmp_path: Path) -> None:
    wide = ANSWER.replace("[2.4, 2.6]", "[1.8, 15.3]").replace("2.5", "7.6")
    moved = ANSWER.replace('"unstable": ""', '"unstable": "it drifted"')
    script = (
        f"""case $(wc -l <{tmp_path}/calls) in 1) echo '{wide}' ;; 2) echo '{moved}' ;; *) echo '{ANSWER}' ;; esac"""
    )
    found = measurer(tmp_path, script).measure(tmp_path / "b", tmp_path / "c", ("sha256:1", "sha256:2"))
    assert (found.speedup, found.unstable) == (2.5, "")
    assert calls(tmp_path) == 3


def test_a_machine_that_stays_restless_is_not_asked_forever(tmp_path: Path) -> None:
    wide = ANSWER.replace("[2.4, 2.6]", "null")
    measurer(tmp_path, f"echo '{wide}'").measure(tmp_path / "b", tmp_path / "c", ("sha256:1", "sha256:2"))
    assert calls(tmp_path) == 3


def test_a_figure_that_is_not_clear_counts_with_its_lower_bound(tmp_path: Path) -> None:
    wide = ANSWER.replace("[2.4, 2.6]", "[1.8, 15.3]").replace("2.5", "7.6")
    found = measurer(tmp_path, f"echo '{wide}'").measure(tmp_path / "b", tmp_path / "c", ("sha256:1", "sha256:2"))
    assert (found.clear, found.counted) == (False, 1.8)


def test_without_inputs_nothing_is_measured(tmp_path: Path) -> None:
    with pytest.raises(LeptonError, match="no dataset to take inputs from"):
        measurer(tmp_path, "exit 1", dataset=False).measure(tmp_path, tmp_path, ("a", "b"))


def test_a_measurement_that_does_not_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lepton_rules.tune.measurer._TIMEOUT_S", 0.2)
    with pytest.raises(LeptonError, match=r"measurement in //models:net_int8: it gave no figure in 0\.2 s"):
        measurer(tmp_path, "exec sleep 60").measure(tmp_path / "b", tmp_path / "c", ("sha256:1", "sha256:2"))
