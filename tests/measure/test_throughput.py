"""The throughput test, with real work in threads."""

import statistics
import threading
from pathlib import Path

import pytest
from device_case import WORK, Case

from lepton_rules.measure import measurement
from lepton_rules.measure.throughput_test import window


def _case(tmp_path: Path) -> Case:
    return Case(tmp_path, {"rounds": WORK}, {"rounds": 4 * WORK}, "throughput_test")


def test_samples_a_second_and_a_ratio(tmp_path: Path) -> None:
    done = _case(tmp_path).run("min_samples_per_s=10", "min_throughput_ratio=1.5", batch=2, concurrency=2)
    assert done.status == 0, done.output
    assert measurement.problems(done.measurement) == []
    windows = done.measurement["samples"]["min_samples_per_s"]["candidate"]
    assert len(windows) == 12
    assert done.measurement["budgets"][0]["value"] == statistics.median(windows)
    assert len(done.measurement["samples"]["min_throughput_ratio"]["baseline"]) >= 12


def test_too_little_fails(tmp_path: Path) -> None:
    done = _case(tmp_path).run("min_samples_per_s=1000000000")
    assert done.verdicts == {"min_samples_per_s": "FAIL"}
    assert "where the budget is at least 1000000000, proven by 16 windows" in done.output


def test_a_candidate_that_does_nothing_is_implausible(tmp_path: Path) -> None:
    case = Case(tmp_path, {"rounds": 0}, {"rounds": 100 * WORK}, "throughput_test")
    done = case.run("min_throughput_ratio=2", seconds=2)
    assert done.verdicts == {"min_throughput_ratio": "IMPLAUSIBLE"}


def test_concurrency_of_nothing(tmp_path: Path) -> None:
    done = _case(tmp_path).run("min_samples_per_s=1", concurrency=0)
    assert done.output.startswith("lepton: concurrency in //x:y_throughput_test: it is 0. Give at least 1.")


def test_a_window_counts_what_all_threads_finish() -> None:
    seen: set[int] = set()
    count, seconds = window(lambda index: (seen.add(index), threading.Event().wait(0.01)), 3, 0.05)
    assert 3 <= count == len(seen)
    assert 0.04 < seconds < 5


def test_what_a_thread_raises_ends_the_window() -> None:
    def fails(index: int) -> None:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        window(fails, 2, 60)
