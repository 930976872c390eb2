"""The command: collect, plot, changes."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from samples import digest, measured, noisy, records, test_logs

from lepton_rules.tools.history import store
from lepton_rules.tools.history.main import main

logs = test_logs
logs.__test__ = False  # type: ignore[attr-defined]
SLOWER = noisy([(25, 4.0), (15, 3.5)], 1, spikes=0.0)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BUILD_WORKING_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("BUILD_WORKSPACE_DIRECTORY", str(tmp_path))
    return tmp_path


def test_collecting_again_adds_nothing(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs(here / "bazel-testlogs", measured(4.0))
    logs(here / "bazel-testlogs", measured(0.98, label="//models:net_size_test", environment=None), "net_size_test")
    assert main(["collect", "--commit", "abc"]) == 0
    before = (here / "lepton_history.jsonl").read_bytes()
    assert main(["collect", "--commit", "abc"]) == 0
    assert (here / "lepton_history.jsonl").read_bytes() == before
    assert "2 measurements added, 0 known" in capsys.readouterr().out
    assert {made.commit for made in store.read(here / "lepton_history.jsonl")} == {"abc"}


def test_what_cannot_be_read_is_said_and_the_rest_is_kept(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs(here / "logs", measured(4.0))
    (here / "logs" / "measurement.json").write_text("{}")
    assert main(["collect", "logs", "--file", "h.jsonl"]) == 1
    captured = capsys.readouterr()
    assert "1 measurements added, 0 known, 1 unreadable" in captured.out
    assert captured.err.startswith("lepton: measurement ")


def test_changes_are_told_with_their_artifacts(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store.append(here / "lepton_history.jsonl", records(SLOWER, [1] * 25 + [2] * 15))
    assert main(["changes"]) == 0
    out = capsys.readouterr().out
    assert f"began with {digest(2)}, commit c25" in out
    assert "1 changes in 1 series; the last one is for the worse in 1" in out
    assert main(["changes", "--fail_on_worse"]) == 1
    assert main(["changes", "--fail_on_worse", "--least", "0.5"]) == 0


def test_a_plot_is_an_svg_of_the_same_bytes(here: Path) -> None:
    store.append(here / "lepton_history.jsonl", records(SLOWER, [1] * 25 + [2] * 15))
    for name in ("a.svg", "b.svg"):
        assert main(["plot", "--output", name]) == 0
    assert (here / "a.svg").read_bytes() == (here / "b.svg").read_bytes()
    text = "".join(ElementTree.parse(here / "a.svg").getroot().itertext())
    assert "//models:net_latency_test min_speedup" in text
    assert digest(2).removeprefix("sha256:")[:10] in text
    assert str(here) not in text


def test_a_plot_without_a_file_is_characters(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store.append(here / "lepton_history.jsonl", records(SLOWER, [1] * 40))
    assert main(["plot"]) == 0
    assert capsys.readouterr().out.count("o") >= 40


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        ([], "lepton: history: the following arguments are required: command"),
        (["chnges"], "lepton: history: argument command: invalid choice"),
        (["changes"], "there are no measurements. Collect some first"),
        (["plot", "--output", "a.png"], "there are no measurements"),
        (["changes", "--significance", "2"], "Give values within"),
        (["collect"], "Run tests first"),
    ],
)
def test_what_is_wrong_is_said(flags: list[str], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(flags) == 1
    assert why in capsys.readouterr().err
