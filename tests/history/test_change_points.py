"""Changes are found where they are, and noise is none."""

from __future__ import annotations

import math

import pytest
from samples import noisy

from lepton_rules.tools.history.change_points import change_points


def test_a_known_change_is_found_where_it_is() -> None:
    """A slowdown by 5 % in noise of 2 %, in at least 95 of 100 series, at most a point away in at least 80."""
    found = [change_points(noisy([(25, 4.0), (15, 3.8)], seed), seed=seed) for seed in range(100)]
    alone = [splits[0].index for splits in found if len(splits) == 1]
    assert len(alone) >= 95
    assert sum(abs(index - 25) <= 1 for index in alone) >= 80


def test_several_changes_are_found() -> None:
    splits = change_points(noisy([(20, 4.0), (15, 3.5), (20, 3.9)], 1, spikes=0.0))
    assert [split.index for split in splits] == [pytest.approx(20, abs=1), pytest.approx(35, abs=1)]
    assert all(split.p_value <= 0.01 for split in splits)


def test_noise_is_no_change() -> None:
    """At a significance of 1 %, of 400 series that never change; and at 20 %, to show that the test is not idle."""
    series = [noisy([(40, 4.0)], 1000 + seed) for seed in range(400)]
    alarms = sum(bool(change_points(values, seed=seed)) for seed, values in enumerate(series))
    # With a rate of 1 %, more than 12 of 400 have a probability of 0.05 %.
    assert _tail(400, 0.01, 13) < 0.001
    assert alarms <= 12
    often = sum(bool(change_points(values, significance=0.2, permutations=19)) for values in series[:100])
    assert 5 <= often <= 35


def _tail(trials: int, rate: float, least: int) -> float:
    return 1 - sum(math.comb(trials, k) * rate**k * (1 - rate) ** (trials - k) for k in range(least))


def test_the_same_series_and_seed_give_the_same() -> None:
    values = noisy([(20, 4.0), (20, 3.9)], 3)
    assert change_points(values, seed=1) == change_points(values, seed=1)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0, 3.0], [5.0] * 30, [0.1 + 0.2] * 30])
def test_too_few_or_constant_points_have_none(values: list[float]) -> None:
    assert change_points(values) == []


def test_a_step_without_noise_is_one() -> None:
    assert [split.index for split in change_points([1.0] * 10 + [2.0] * 10)] == [10]


def test_one_disturbed_run_is_none() -> None:
    values = noisy([(40, 4.0)], 5, spikes=0.0)
    values[20] = 1.0
    assert change_points(values) == []


@pytest.mark.parametrize("values", [[1.0, float("nan"), 2.0], [float("inf")] * 20])
def test_what_is_no_number_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="finite"):
        change_points(values)


@pytest.mark.parametrize("wrong", [{"smallest": 1}, {"significance": 0.0}, {"permutations": 0}])
def test_wrong_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="smallest"):
        change_points([1.0] * 20, **wrong)  # type: ignore[arg-type]
