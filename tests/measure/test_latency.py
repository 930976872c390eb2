"""The latency test, with a real plugin and real work: a runtime that multiplies matrices as often as its model says."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from device_case import HERE, WORK, Case

from lepton_rules.measure import measurement
from models import make_identity


def _case(tmp_path: Path, candidate: int = WORK, baseline: int = WORK, **faults: Any) -> Case:
    return Case(tmp_path, {"rounds": candidate, **faults}, {"rounds": baseline})


def test_a_faster_candidate_passes_and_the_measurement_tells_all(tmp_path: Path) -> None:
    done = _case(tmp_path, WORK, 4 * WORK).run("min_speedup=1.5")
    assert done.status == 0, done.output
    assert done.cases == {"min_speedup": "system-out"}
    assert measurement.problems(done.measurement) == []
    pairs = done.measurement["samples"]["pairs"]
    assert pairs["stopped"] == "verdict"
    assert pairs["turns"] > 1
    assert 12 <= len(pairs["baseline_ns"]) == len(pairs["candidate_ns"]) == len(pairs["baseline_first"]) <= 200
    assert 1.5 < done.measurement["budgets"][0]["value"] < 10
    assert done.measurement["environment"]["threads"] == 1
    assert done.measurement["samples"]["threads"] == {"artifact": 1, "baseline": 1}
    assert done.measurement["samples"]["batch"] == 1
    assert done.measurement["environment"]["libraries"]["numpy"]


def test_a_slower_candidate_fails(tmp_path: Path) -> None:
    done = _case(tmp_path, 3 * WORK, WORK).run("min_speedup=1")
    assert done.status == 1
    assert done.verdicts == {"min_speedup": "FAIL"}
    assert done.output.startswith("lepton: latency test in //x:y_latency_test: min_speedup is FAIL: 0.")
    assert done.cases == {"min_speedup": "failure"}


def test_a_candidate_that_does_nothing_is_implausible(tmp_path: Path) -> None:
    done = _case(tmp_path, 0, 100 * WORK).run("min_speedup=2", seconds=2)
    assert done.status == 1
    assert done.verdicts == {"min_speedup": "IMPLAUSIBLE"}


def test_milliseconds_are_judged_on_the_declared_chip(tmp_path: Path) -> None:
    done = _case(tmp_path).run("max_p50_ms=1000", "max_p90_ms=1000")
    assert done.status == 0, done.output
    assert len(done.measurement["samples"]["latencies_ns"]) == 256
    assert done.measurement["baseline"] is None
    done = _case(tmp_path / "again").run("max_p50_ms=0.0001", "min_speedup=0.5")
    assert done.verdicts == {"max_p50_ms": "FAIL", "min_speedup": "PASS"}


def test_too_few_samples_are_not_proven(tmp_path: Path) -> None:
    done = _case(tmp_path).run("max_p99_ms=1000", percentile_seconds=0.05)
    assert done.status == 1
    assert done.verdicts == {"max_p99_ms": "NOT PROVEN"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"hardware": "null"},
            "budget max_p50_ms in //x:y_latency_test: an absolute figure means something on a declared chip",
        ),
        (
            {"hardware": json.dumps(HERE | {"target": "absent"})},
            "hardware absent in //x:y_latency_test: this machine (",
        ),
        (
            {"hardware": json.dumps(HERE | {"target": "hear"})},
            "plugin fake 1.0.0 in //x:y_latency_test: it has no 'hear'",
        ),
        ({"hardware": "{"}, "test in //x:y_latency_test: --hardware is wrong"),
        ({"component": "matmull"}, "plugin fake 1.0.0 in //x:y_latency_test: it has no 'matmull'"),
        ({"python_path": "/nowhere"}, "plugin fake (lepton_plugin_fake) in //x:y_latency_test: "),
        (
            {"baseline_model": None},
            "budget min_speedup in //x:y_latency_test: it compares with a baseline and there is none",
        ),
        ({"batch": 0}, "batch in //x:y_latency_test: it is 0, and //x:y takes at least 1"),
        ({"dataset": "absent.npz"}, "file 'absent.npz' in //x:y_latency_test: it cannot be opened"),
        ({"model_manifest": "absent"}, "manifest absent in //x:y_latency_test: it cannot be read"),
        ({"seconds": "nan"}, "test in //x:y_latency_test: nan seconds"),
    ],
)
def test_what_keeps_it_from_measuring_is_an_error(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    done = _case(tmp_path, 1, 1).run("min_speedup=0.1", "max_p50_ms=1000", **changes)
    assert done.status == 1
    assert done.output.startswith(f"lepton: {message}"), done.output
    assert "Traceback" not in done.output
    assert done.cases == {"min_speedup": "error", "max_p50_ms": "error"}
    assert done.measurement is None


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("load", "model in //x:y_latency_test: its format is unknown to the chip. Build it for this chip."),
        ("nan", "output 'logits' in //x:y_latency_test: it holds NaN"),
        ("shape", "output 'logits' in //x:y_latency_test: the runtime gave float32[1, 9] for 1 samples"),
        ("name", "runtime in //x:y_latency_test: it gave the outputs ['other']"),
    ],
)
def test_a_broken_candidate_is_an_error_however_fast(tmp_path: Path, fault: str, message: str) -> None:
    done = _case(tmp_path, 1, 100, fault=fault).run("min_speedup=1")
    assert done.status == 1
    assert done.output.startswith(f"lepton: {message}"), done.output


def test_no_more_than_the_plausible_gain_can_be_asked(tmp_path: Path) -> None:
    case = _case(tmp_path, 1, 1)
    done = case.run("min_speedup=200")
    assert done.status == 1
    assert done.output.startswith(
        "lepton: budget min_speedup in //x:y_latency_test: its limit 200 is above 100, the largest that makes sense"
    )
    assert case.run("min_speedup=200", plausible_speedup=500).verdicts == {"min_speedup": "FAIL"}


def test_another_machine_than_the_build_knows_is_refused(tmp_path: Path) -> None:
    other = make_identity(tmp_path / "other.json", cpu="Pentium II")
    done = _case(tmp_path).run("min_speedup=1", identity=other)
    assert done.status == 1
    assert done.output.startswith("lepton: machine in //x:y_latency_test: this is ")
    assert "Pentium II" in done.output
    assert done.infrastructure is not None
    assert "Pentium II" in done.infrastructure.splitlines()[1]


def test_cpus_that_are_not_there_are_no_fault_of_the_artifact(tmp_path: Path) -> None:
    done = _case(tmp_path).run("min_speedup=1", affinity="0,4095")
    assert done.status == 1
    assert done.output.startswith(
        "lepton: affinity in //x:y_latency_test: the hardware names the CPUs 0,4095, and CPU 4"
    )
    assert done.infrastructure is not None


def test_the_affinity_is_kept(tmp_path: Path) -> None:
    cpu = max(os.sched_getaffinity(0))
    done = _case(tmp_path, WORK, 4 * WORK).run("min_speedup=1.5", affinity=str(cpu), batch=3)
    assert done.status == 0, done.output
    assert done.infrastructure is None
    assert done.measurement["environment"]["cpus"] == [cpu]
    assert done.measurement["samples"]["batch"] == 3


def test_a_baseline_of_another_signature_is_refused(tmp_path: Path) -> None:
    case = Case(tmp_path, {"rounds": 1}, {"rounds": 1, "input_width": 32})
    done = case.run("min_speedup=1")
    assert done.status == 1
    assert done.output.startswith("lepton: baseline //x:b in //x:y_latency_test: it takes the inputs ")


def test_a_fixed_batch_is_kept(tmp_path: Path) -> None:
    case = Case(tmp_path, {"rounds": WORK, "batch": 4}, {"rounds": 4 * WORK})
    assert case.run("min_speedup=1.5", batch=4).status == 0
    done = case.run("min_speedup=2", batch=1)
    assert done.output.startswith("lepton: batch in //x:y_latency_test: it is 1, and //x:y takes 4 only.")
