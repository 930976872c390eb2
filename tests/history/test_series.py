"""From records to series, changes, and the artifact that a change began with."""

from __future__ import annotations

from samples import ENVIRONMENT, digest, noisy, records

from lepton_rules.tools.history.series import all_series, changes
from lepton_rules.tools.history.text import chart, told

SLOWER = noisy([(25, 4.0), (15, 3.5)], 1, spikes=0.0)


def test_a_change_is_named_by_the_artifact_that_it_began_with() -> None:
    (series,) = all_series(records(SLOWER, [1] * 10 + [2] * 15 + [3] * 10 + [4] * 5))
    (change,) = changes(series)
    assert change.began is not None
    assert change.began.digest == digest(3)
    assert change.began.commit == "c25"
    assert change.worse
    text = told(change)
    assert f"began with {digest(3)}, commit c25, at 2026-01-02T01:00:00Z" in text
    assert "worse" in text


def test_a_change_within_one_artifact_is_the_machines() -> None:
    (series,) = all_series(records(SLOWER, [1] * 40))
    (change,) = changes(series)
    assert change.began is None
    assert "all of one artifact" in told(change)


def test_a_change_that_noise_moved_by_a_point_still_finds_its_artifact() -> None:
    artifacts = [1] * 23 + [2] * 17
    (series,) = all_series(records(SLOWER, artifacts))
    (change,) = changes(series)
    assert change.index == 25
    assert change.began is not None
    assert change.began.digest == digest(2)


def test_machines_are_not_mixed() -> None:
    fast = records([4.0] * 10, [1] * 10)
    slow = records([3.0] * 10, [1] * 10, environment=ENVIRONMENT | {"cpu": "Another"})
    found = all_series(fast + slow)
    assert [series.machine for series in found] == ["A CPU, 1 threads", "Another, 1 threads"]
    assert all(changes(series) == [] for series in found)


def test_exact_values_need_no_statistics() -> None:
    size = {"name": "max_size_ratio", "label": "//models:net_size_test", "environment": None}
    (series,) = all_series(records([0.25, 0.25, 0.2500001, 0.25], [1, 1, 2, 3], **size))
    assert series.exact
    found = changes(series)
    assert [(change.index, change.worse, change.p_value) for change in found] == [(2, True, None), (3, False, None)]
    assert [change.began.digest for change in found if change.began] == [digest(2), digest(3)]
    assert changes(series, least=0.01) == []


def test_only_some() -> None:
    assert all_series(records([4.0], [1]), only="other") == []
    assert len(all_series(records([4.0], [1]), only="net_latency")) == 1


def test_a_chart_has_a_mark_for_each_point() -> None:
    (series,) = all_series(records(SLOWER, [1] * 40))
    text = chart(series, changes(series))
    assert sum(line.count("o") for line in text.splitlines()[1:]) == 40
    assert "|" in text
    assert "//models:net_latency_test min_speedup on A CPU, 1 threads (ratio)" in text


def test_a_chart_of_a_constant_is_a_line() -> None:
    (series,) = all_series(records([3.0] * 5, [1] * 5))
    assert "ooooo" in chart(series, [])
