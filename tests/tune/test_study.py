"""The search goes on where it was, proposes nothing twice, and learns from what it is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from samples import EXPORT, QUANTIZE, facts, objective

from lepton_rules.plugin.errors import LeptonError
from lepton_rules.tune.objective import Objective
from lepton_rules.tune.space import Candidate, Space
from lepton_rules.tune.study import Study
from lepton_rules.tune.trial import MEASURED, PRUNED, REFUSED, Trial, front

SPACE = Space(facts([EXPORT, QUANTIZE]))
GOAL = objective("latency; accuracy_drop<=0.005")


def study(folder: Path, *, space: Space = SPACE, goal: Objective = GOAL, seed: int = 0, name: str = "s") -> Study:
    return Study(space, goal, storage=folder / "study.journal", name=name, seed=seed, trials=12)


def latency(candidate: Candidate) -> float:
    """Entropy is twice as fast, per_channel costs a little."""
    changes = candidate.changes.get(1, {})
    return {"Entropy": 0.2, "Percentile": 0.5}.get(changes.get("calibrator", ""), 0.4) + (
        0.0 if changes.get("per_channel") is False else 0.05
    )


def told(number: int, candidate: Candidate, outcome: str = MEASURED, drop: float = 0.0) -> Trial:
    values = {"accuracy_drop": drop} | ({"latency": latency(candidate)} if outcome == MEASURED else {})
    return Trial(name=str(number), candidate=candidate, outcome=outcome, digest=f"sha256:{number}", values=values)


def searched(search: Study, trials: int, batch: int = 2) -> list[Trial]:
    while len(search.trials) < trials and (candidates := search.ask(min(batch, trials - len(search.trials)))):
        for candidate in candidates:
            search.tell(told(len(search.trials) + 1, candidate))
    return search.trials


def test_a_small_space_is_tried_once_and_wholly(tmp_path: Path) -> None:
    trials = searched(study(tmp_path), 50)
    assert len(trials) == len({trial.candidate.key for trial in trials}) == 12
    assert study(tmp_path).ask(3) == []
    (best,) = front(trials, GOAL)
    assert best.candidate.changes == {1: {"calibrator": "Entropy", "per_channel": False}} or (
        best.candidate.changes == {1: {"calibrator": "Entropy", "per_channel": False, "symmetric": True}}
    )


def test_the_same_seed_tries_the_same_and_another_one_other(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).mkdir()
    tried = [
        [trial.candidate.key for trial in searched(study(tmp_path / name, seed=seed), 6)]
        for name, seed in [("a", 0), ("b", 0), ("c", 1)]
    ]
    assert tried[0] == tried[1] != tried[2]


def test_another_run_goes_on(tmp_path: Path) -> None:
    before = [trial.as_json() for trial in searched(study(tmp_path), 4)]
    again = study(tmp_path)
    assert [trial.as_json() for trial in again.trials] == before
    after = searched(again, 8)
    assert len({trial.candidate.key for trial in after}) == 8
    assert [trial.as_json() for trial in after[:4]] == before


def test_what_was_open_when_a_run_was_interrupted_is_proposed_again(tmp_path: Path) -> None:
    first = study(tmp_path)
    lost = first.ask(2)
    trials = searched(study(tmp_path), 12)
    assert {candidate.key for candidate in lost} <= {trial.candidate.key for trial in trials}


def test_another_objective_is_another_study(tmp_path: Path) -> None:
    searched(study(tmp_path), 4)
    assert study(tmp_path, goal=objective("size_bytes"), name="t").trials == []


def test_pruned_and_refused_trials_count_and_never_win(tmp_path: Path) -> None:
    search = study(tmp_path)
    for number, outcome in enumerate([PRUNED, REFUSED, MEASURED], start=1):
        (candidate,) = search.ask(1)
        search.tell(told(number, candidate, outcome, drop=0.5 if outcome == PRUNED else 0.0))
    again = study(tmp_path)
    assert [trial.outcome for trial in again.trials] == [PRUNED, REFUSED, MEASURED]
    assert [trial.name for trial in front(again.trials, GOAL)] == ["3"]


def test_many_goals(tmp_path: Path) -> None:
    goal = objective("latency; size_bytes; accuracy_drop<=0.005")
    search = study(tmp_path, goal=goal)
    while candidates := search.ask(3):
        for candidate in candidates:
            size = 10.0 if candidate.changes.get(1, {}).get("calibrator") == "Entropy" else 5.0
            known = told(len(search.trials) + 1, candidate)
            search.tell(Trial(**{**vars(known), "values": dict(known.values) | {"size_bytes": size}}))
    best = front(search.trials, goal)
    assert [(round(t.values["latency"], 2), t.values["size_bytes"]) for t in best] == [(0.2, 10.0), (0.4, 5.0)]


def test_it_learns(tmp_path: Path) -> None:
    """In a space of thousands of points it comes nearer to the best than as many even draws do."""
    space = Space(
        facts(
            [EXPORT, QUANTIZE],
            search=[
                {
                    "pass": "onnx.quantize",
                    "options": {"percentile": {"range": [50.0, 100.0]}, "max_samples": {"range": [1, 100]}},
                }
            ],
        )
    )

    def loss(candidate: Candidate) -> float:
        config = space.config(candidate, 1)
        return 0.01 + abs(float(config["percentile"]) - 80) / 50 + abs(int(config["max_samples"]) - 30) / 100

    found = []
    for seed in range(3):
        (tmp_path / str(seed)).mkdir()
        search = Study(space, objective("latency"), storage=tmp_path / str(seed) / "j", name="s", seed=seed, trials=40)
        for number in range(40):
            (candidate,) = search.ask(1)
            values = {"latency": loss(candidate)}
            search.tell(Trial(name=str(number), candidate=candidate, outcome=MEASURED, digest="", values=values))
        losses = [trial.values["latency"] for trial in search.trials]
        found.append(sum(losses[-15:]) / 15 < sum(losses[:10]) / 10)
    assert all(found)


def test_a_record_that_was_cut_off_costs_that_record_alone(tmp_path: Path) -> None:
    """By a full disk, or a kill in the middle of a write."""
    searched(study(tmp_path), 4)
    journal = tmp_path / "study.journal"
    content = journal.read_bytes()
    journal.write_bytes(content[: content.rindex(b'"lepton"') + 20])
    again = study(tmp_path)
    assert len(again.trials) == 3
    assert len(searched(again, 6)) == len(study(tmp_path).trials) == 6


@pytest.mark.parametrize("content", ["<html>\n", "{}\n", "3\n"])
def test_a_file_that_is_no_journal_is_said(tmp_path: Path, content: str) -> None:
    (tmp_path / "study.journal").write_text(content)
    with pytest.raises(LeptonError, match="is no journal of a search"):
        study(tmp_path)
