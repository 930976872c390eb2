"""A search with a Bazel and a chip that are fakes: what is built, what is measured, and what is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fakes import SPACE, FakeBazel, FakeMeasurer
from samples import objective

from lepton_rules.plugin.errors import LeptonError
from lepton_rules.tune.report import line, report
from lepton_rules.tune.state import State
from lepton_rules.tune.study import Study
from lepton_rules.tune.trial import MEASURED, PRUNED, REFUSED
from lepton_rules.tune.tuner import Tuner


def searched(
    folder: Path, text: str = "latency; accuracy_drop<=0.005", trials: int = 50, refuses: str = "no such text"
) -> tuple[Tuner, Study, FakeBazel, FakeMeasurer, list[str]]:
    goal = objective(text)
    bazel, measurer, said = FakeBazel(folder, refuses), FakeMeasurer(), []
    tuner = Tuner(
        space=SPACE, objective=goal, bazel=bazel, measurer=measurer, state=State(folder / "state"), say=said.append
    )
    tuner.references()
    study = Study(SPACE, goal, storage=tuner.state.journal, name="s", seed=0, trials=trials)
    tuner.run(study, trials, 4)
    return tuner, study, bazel, measurer, said


def test_a_batch_is_one_build_and_a_model_is_measured_once(tmp_path: Path) -> None:
    _, study, bazel, measurer, said = searched(tmp_path)
    assert len(study.trials) == 12
    assert len(bazel.builds) == 1 + 3  # the references, then 4 trials a build
    # Two different models beside the baseline, whatever the number of trials that make them.
    assert len(measurer.asked) == len(set(measurer.asked)) == 2
    assert sum("the same model as" in line for line in said) == 12 - 1 - 4
    assert said[-1] == "every point of the space was tried" or len(study.trials) == 12


def test_an_interruption_in_a_batch_costs_only_the_trial_that_is_measured(tmp_path: Path) -> None:
    goal = objective("latency")
    tuner = Tuner(
        space=SPACE,
        objective=goal,
        bazel=FakeBazel(tmp_path),
        measurer=FakeMeasurer(),
        state=State(tmp_path / "state"),
        say=lambda line: None,
    )
    tuner.references()
    study = Study(SPACE, goal, storage=tuner.state.journal, name="s", seed=0, trials=12)

    def say(line: str) -> None:
        if line.startswith("trial 3"):
            raise KeyboardInterrupt

    tuner.say = say
    with pytest.raises(KeyboardInterrupt):
        tuner.run(study, 12, 4)
    assert len(Study(SPACE, goal, storage=tuner.state.journal, name="s", seed=0, trials=12).trials) == 3


def test_what_breaks_a_constraint_by_its_facts_is_not_measured(tmp_path: Path) -> None:
    _, study, _, _, said = searched(tmp_path)
    pruned = [trial for trial in study.trials if trial.outcome == PRUNED]
    assert len(pruned) == 4
    assert all(trial.candidate.changes[1]["calibrator"] == "Percentile" for trial in pruned)
    assert all("latency" not in trial.values for trial in pruned)
    assert any("pruned" in line and "breaks accuracy_drop<=0.005" in line for line in said)


def test_what_cannot_be_built_is_refused_with_its_reason_and_keeps_nothing_else(tmp_path: Path) -> None:
    _, study, _, _, _ = searched(tmp_path, refuses="Entropy")
    refused = [trial for trial in study.trials if trial.outcome == REFUSED]
    assert len(refused) == 4
    assert {trial.why for trial in refused} == {"pass onnx.quantize: it cannot. Do not."}
    assert len(study.trials) == 12


def test_without_a_measured_quantity_nothing_is_measured(tmp_path: Path) -> None:
    _, study, _, measurer, _ = searched(tmp_path, "size_bytes; accuracy_drop<=0.005")
    assert measurer.asked == []
    assert {trial.outcome for trial in study.trials} == {MEASURED, PRUNED}


def test_another_run_builds_and_measures_nothing_that_it_knows(tmp_path: Path) -> None:
    searched(tmp_path)
    _, study, bazel, _, _ = searched(tmp_path)
    assert len(study.trials) == 12
    assert len(bazel.builds) == 1


def test_a_quantity_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LeptonError, match="perplexity is not known of //models:net_int8"):
        searched(tmp_path, "perplexity")


def test_references_that_do_not_build_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(LeptonError, match="the recipe was not built"):
        searched(tmp_path, refuses="baseline = ")


def test_a_duel_is_between_the_two_themselves(tmp_path: Path) -> None:
    tuner, study, _, measurer, _ = searched(tmp_path)
    best = next(trial for trial in study.trials if trial.values.get("speedup") == 4.0)
    assert tuner.recipe is not None
    measured = tuner.duel(best, tuner.recipe, 120)
    assert measured is not None
    assert measurer.asked[-1] == (tuner.recipe.digest, best.digest)
    assert tuner.duel(tuner.recipe, tuner.recipe, 120) is None


def test_a_duel_after_a_resumption_builds_what_it_lacks(tmp_path: Path) -> None:
    searched(tmp_path)
    tuner, study, bazel, measurer, _ = searched(tmp_path)
    best = next(trial for trial in study.trials if trial.values.get("speedup") == 4.0)
    assert tuner.recipe is not None
    assert tuner.duel(best, tuner.recipe, 120) is not None
    assert len(bazel.builds) == 2
    assert measurer.asked[-1] == (tuner.recipe.digest, best.digest)


def test_the_report_has_the_front_and_all_others(tmp_path: Path) -> None:
    tuner, study, _, _, _ = searched(tmp_path, "latency; size_bytes; accuracy_drop<=0.005")
    assert tuner.baseline is not None
    assert tuner.recipe is not None
    text = report(study.trials, [tuner.baseline, tuner.recipe], SPACE, tuner.objective, study.trials[0])
    front, _, rest = text.partition("all others")
    assert "0.25" in front  # the fastest
    assert "the recipe as it is" in front  # the smallest
    assert "the model without passes" in rest
    assert "pruned: breaks accuracy_drop<=0.005" in rest
    names = [row.split()[0] for row in rest.splitlines()[2:]]
    assert len(names) == 12 + 1 - 1


def test_a_line_tells_what_differs(tmp_path: Path) -> None:
    tuner, _, _, _, _ = searched(tmp_path, trials=1)
    assert tuner.recipe is not None
    assert line(tuner.recipe, SPACE, tuner.objective).endswith("; the recipe as it is")


def test_a_batch_is_a_repository_by_its_content(tmp_path: Path) -> None:
    state = State(tmp_path)
    one, two = state.batch("# one\n"), state.batch("# two\n")
    assert one != two
    assert state.batch("# one\n") == one
    assert (one / "REPO.bazel").exists()
    with state.locked(), pytest.raises(LeptonError, match="another search"), State(tmp_path).locked():
        pass


def test_a_candidate_is_the_same_after_json(tmp_path: Path) -> None:
    _, study, _, _, _ = searched(tmp_path, trials=3)
    for trial in study.trials:
        assert type(trial).of(json.loads(json.dumps(trial.as_json()))) == trial
