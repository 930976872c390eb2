"""The memory test, with real processes: a runtime that holds as many bytes as its model says."""

from pathlib import Path

from device_case import Case

from lepton_rules.measure import measurement
from lepton_rules.measure.budget import MEMORY, parse_all
from lepton_rules.measure.fresh import Seen
from lepton_rules.measure.memory_test import judge_memory
from lepton_rules.measure.verdict import Verdict

MB = 1 << 20


def _case(tmp_path: Path, **faults: str) -> Case:
    return Case(tmp_path, {"rounds": 1, "hold_mb": 40, **faults}, {"rounds": 1, "hold_mb": 160}, "memory_test")


def test_peaks_of_load_and_inference_are_told_apart(tmp_path: Path) -> None:
    done = _case(tmp_path).run("max_load_rss_bytes=1000000000", "max_inference_rss_bytes=1000000000")
    assert done.status == 0, done.output
    assert measurement.problems(done.measurement) == []
    assert done.measurement["baseline"] is None
    for seen in done.measurement["samples"]["processes"]:
        # The runtime holds twice its bytes while it loads.
        assert 75 * MB < seen["load_bytes"] - seen["start_bytes"] < 120 * MB
        assert seen["inference_bytes"] < seen["load_bytes"] - 30 * MB


def test_a_ratio_and_a_broken_budget(tmp_path: Path) -> None:
    done = _case(tmp_path).run("max_inference_rss_ratio=0.8", "max_inference_rss_bytes=10000000")
    assert done.status == 1
    assert done.verdicts == {"max_inference_rss_ratio": "PASS", "max_inference_rss_bytes": "FAIL"}
    first = done.output.splitlines()[0]
    assert first.startswith("lepton: memory test in //x:y_memory_test: max_inference_rss_bytes is FAIL: a peak of ")
    assert first.endswith("Compress the model further, lower the batch, or raise the budget.")


def test_processes_on_both_sides_are_not_proven() -> None:
    seen = [Seen(first_answer_s=1.0, start_bytes=10, load_bytes=size, inference_bytes=size) for size in (90, 100, 110)]
    budget = parse_all(["max_load_rss_bytes=100"], MEMORY)[0]
    outcome = judge_memory(budget, seen, [])
    assert (outcome.verdict, outcome.value, outcome.interval) == (Verdict.NOT_PROVEN, 110, (90.0, 110.0))
    assert judge_memory(budget, seen[:2], []).verdict is Verdict.PASS
    assert judge_memory(budget, seen[2:], []).verdict is Verdict.FAIL


def test_what_the_process_says_is_the_error(tmp_path: Path) -> None:
    done = _case(tmp_path, fault="load").run("max_load_rss_bytes=1000")
    assert done.status == 1
    assert done.cases == {"max_load_rss_bytes": "error"}
    assert done.output.startswith(
        "lepton: process of //x:y in //x:y_memory_test: model: its format is unknown to the chip."
    ), done.output


def test_a_process_that_is_killed_is_no_fault_of_the_artifact(tmp_path: Path) -> None:
    done = _case(tmp_path, fault="kill").run("max_load_rss_bytes=1000")
    assert done.status == 1
    assert "it was killed by signal 9" in done.output
    assert done.infrastructure is not None
    assert done.infrastructure.splitlines()[0] == "lepton_rules measurement"
    assert done.infrastructure.splitlines()[1] == done.output.splitlines()[0]


def test_a_ratio_without_a_baseline(tmp_path: Path) -> None:
    done = _case(tmp_path).run("max_inference_rss_ratio=0.5", baseline_model=None)
    assert done.output.startswith(
        "lepton: budget max_inference_rss_ratio in //x:y_memory_test: it compares with a baseline and there is none"
    )
    assert done.infrastructure is None
