"""The command line of `.tune`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fakes import SPACE
from samples import EXPORT, QUANTIZE, facts, objective

from lepton_rules.tune import main
from lepton_rules.tune.state import default_folder
from lepton_rules.tune.trial import MEASURED, Trial


def flags(folder: Path, content: dict[str, Any] | None = None) -> list[str]:
    (folder / "space.json").write_text(json.dumps(content or facts([EXPORT, QUANTIZE])))
    return [f"--space={folder}/space.json"] + [
        f"--{name}={folder}/{name}" for name in ("identity", "runtime", "program")
    ]


def test_a_dry_run_prints_the_space(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main([*flags(tmp_path), "--dry_run"]) == 0
    out = capsys.readouterr().out
    assert "latency; accuracy_drop<=0.005; 3 parameters, 12 points" in out
    assert 'onnx.quantize.calibrator: "MinMax", "Entropy", "Percentile"' in out


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (["--trials", "0"], "lepton: tune: --trials is 0. Give at least 1."),
        (["--trials", "many"], "lepton: tune: argument --trials: invalid int value: 'many'."),
        (["--seconds", "nan"], "lepton: tune: --seconds is nan."),
        (["--trails", "4"], "lepton: tune: unrecognized arguments: --trails 4."),
        (["--objective", "latncy"], "lepton: objective: there is no quantity 'latncy'; did you mean \"latency\"?"),
        ([], "lepton: tune: BUILD_WORKSPACE_DIRECTORY is not set. Start it with `bazel run`."),
    ],
)
def test_what_is_wrong_is_said(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    more: list[str],
    why: str,
) -> None:
    monkeypatch.delenv("BUILD_WORKSPACE_DIRECTORY", raising=False)
    assert main.main([*flags(tmp_path), *more]) == 1
    assert capsys.readouterr().err.startswith(why)


def test_nothing_to_search_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(flags(tmp_path, facts([EXPORT]))) == 1
    assert "there is nothing to search" in capsys.readouterr().err


def test_a_full_disk_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(arguments: object) -> int:
        with Path("/dev/full").open("w") as full:
            full.write("x")
        return 0

    monkeypatch.setattr("lepton_rules.tune.main._tune", write)
    assert main.main(flags(tmp_path)) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line == ("lepton: tune: No space left on device. Mend that, and run it again: it goes on where it was.")


def test_without_accuracy_an_objective_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(flags(tmp_path, facts() | {"metrics": []})) == 1
    assert "Give --objective of latency, macs" in capsys.readouterr().err


def test_the_state_is_the_users_and_one_for_each_artifact_and_checkout(tmp_path: Path) -> None:
    environment = {"XDG_STATE_HOME": "/state", "HOME": "/home/x"}
    folder = default_folder(facts(), tmp_path, environment)
    assert folder.is_relative_to("/state/lepton_rules/tune")
    assert folder.parts[-2:] == ("models", "net_int8")
    assert folder != default_folder(facts(), tmp_path / "other", environment)
    assert default_folder(facts(), tmp_path, {"HOME": "/home/x"}).is_relative_to("/home/x/.local/state/lepton_rules")


def test_a_study_is_of_one_way_of_measuring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its trials hold figures: a search goes on only with those that the same method gave."""
    (tmp_path / "identity").write_text("{}")
    arguments = main.parser().parse_args(flags(tmp_path))
    baseline = Trial(name="baseline", candidate=SPACE.baseline(), outcome=MEASURED, digest="sha256:1")
    names = []
    for method in (2, 2, 3):
        monkeypatch.setattr("lepton_rules.measure.paired.METHOD", method)
        names.append(main.study_name(SPACE, objective("latency"), baseline, arguments))
    assert names[0] == names[1] != names[2]
