"""Trials as targets: shared where they begin alike, named by what leads to them."""

from __future__ import annotations

from samples import EXPORT, QUANTIZE, SMOOTH, facts

from lepton_rules.tune.space import Candidate, Space
from lepton_rules.tune.targets import Targets, starlark

PLAIN = Candidate(without=(), changes={})


def candidate(changes: dict[int, dict[str, object]], without: tuple[int, ...] = ()) -> Candidate:
    return Candidate(without=without, changes=changes)


def test_what_equals_the_artifact_is_not_built_again() -> None:
    targets = Targets(Space(facts()))
    (node,) = targets.chain(PLAIN)
    assert (node.start, node.step, node.parent) == (3, -1, None)
    (node,) = targets.chain(candidate({2: {"calibrator": "Entropy"}}))
    assert (node.start, node.step, node.changes) == (2, 2, {"calibrator": "Entropy"})


def test_steps_after_a_change_follow_it() -> None:
    first, second = Targets(Space(facts())).chain(candidate({1: {"alpha": 0.25}}))
    assert (first.start, first.step, first.parent) == (1, 1, None)
    assert (second.step, second.parent, second.changes) == (2, first.name, {})


def test_a_step_that_is_left_out_is_skipped() -> None:
    (node,) = Targets(Space(facts())).chain(candidate({}, without=(1,)))
    assert (node.start, node.step) == (1, 2)


def test_the_baseline_takes_the_artifacts_own_export() -> None:
    targets = Targets(Space(facts()))
    (node,) = targets.chain(targets.space.baseline())
    assert (node.start, node.step) == (1, -1)


def test_trials_share_what_they_begin_with() -> None:
    targets = Targets(Space(facts()))
    one = targets.chain(candidate({1: {"alpha": 0.25}, 2: {"calibrator": "Entropy"}}))
    two = targets.chain(candidate({1: {"alpha": 0.25}, 2: {"calibrator": "Percentile"}}))
    assert one[0] == two[0]
    assert one[1].name != two[1].name
    text = targets.build_file(
        [candidate({1: {"alpha": 0.25}, 2: {"calibrator": c}}) for c in ("Entropy", "Percentile")]
    )
    assert text.count("lepton_trial(\n") == 4  # the baseline, one shared step, two that differ


def test_names_change_with_all_that_a_model_depends_on() -> None:
    def name(space: Space) -> str:
        return Targets(space).chain(candidate({len(space.steps) - 1: {"calibrator": "Entropy"}}))[-1].name

    other_smooth = SMOOTH | {"config": {"alpha": 0.1}}
    names = {
        name(Space(facts())),
        name(Space(facts([EXPORT, other_smooth, QUANTIZE]))),
        name(Space(facts([EXPORT, QUANTIZE]))),
        name(Space(facts() | {"seed": 8})),
        name(Space(facts() | {"threads": 4})),
        name(Space(facts(capabilities=["int8_asymmetric"]))),
    }
    assert len(names) == 6
    assert name(Space(facts())) in names


def test_the_build_file() -> None:
    targets = Targets(Space(facts()))
    changed = candidate({2: {"calibrator": "Entropy", "per_channel": False}})
    name, baseline = targets.chain(changed)[-1].name, targets.baseline
    assert (
        targets.build_file([changed])
        == f"""\
# Trials of //models:net_int8, written by its .tune: not edited by hand.
load("@@lepton_rules~//lepton_rules/private:trial.bzl", "lepton_trial")

lepton_trial(
    name = "{baseline}",
    artifact = "@@//models:net_int8.tune",
    seed = 7,
    step = -1,
    testonly = True,
    threads = 2,
    start = 1,
    evaluate = True,
)

lepton_trial(
    name = "{name}",
    artifact = "@@//models:net_int8.tune",
    seed = 7,
    step = 2,
    testonly = True,
    threads = 2,
    start = 2,
    config = "{{\\"calibrator\\": \\"Entropy\\", \\"per_channel\\": false}}",
    evaluate = True,
    baseline = ":{baseline}",
)
"""
    )


def test_values_as_starlark_writes_them() -> None:
    assert (
        starlark([True, None, 1, 0.5, 'a "b" \n ü', {"k": []}]) == '[True, None, 1, 0.5, "a \\"b\\" \\n ü", {"k": []}]'
    )
