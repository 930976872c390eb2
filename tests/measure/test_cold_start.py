"""The cold start test: real processes once, and its judgement on starts that take as long as they are told."""

import argparse
import time
from pathlib import Path
from typing import Any

import pytest
from device_case import Case

from lepton_rules.measure import measurement
from lepton_rules.measure.budget import COLD_START, parse_all
from lepton_rules.measure.cold_start_test import judge_cold_start
from lepton_rules.measure.device import Model
from lepton_rules.measure.fresh import Seen
from lepton_rules.measure.measurement import Measured
from lepton_rules.measure.verdict import Verdict


def test_real_processes(tmp_path: Path) -> None:
    done = Case(tmp_path, {"rounds": 1}, {"rounds": 1}, "cold_start_test").run("max_cold_start_ms=60000")
    assert done.status == 0, done.output
    assert measurement.problems(done.measurement) == []
    log = done.measurement["samples"]["max_cold_start_ms"]
    assert len(log["candidate_s"]) == 8
    assert log["stopped"] == "verdict"


class Starts:
    """Processes whose first answer comes when their model's label says."""

    def run(self, model: Model, inferences: int) -> Seen:
        assert inferences == 1
        time.sleep(0.001)
        return Seen(first_answer_s=float(model.measured.label), start_bytes=1, load_bytes=1, inference_bytes=1)


def _judge(spec: str, artifact: float, baseline: float = 1.0, seconds: float = 60.0) -> Any:
    mine, other = (
        Model(path=Path(), manifest={}, hardware=None, measured=Measured(label=str(one), digest="sha256:0"))
        for one in (artifact, baseline)
    )
    arguments = argparse.Namespace(tolerance=0.05, seconds=seconds)
    budget = parse_all([spec], COLD_START)[0]
    return judge_cold_start(budget, Starts(), mine, other, arguments)  # type: ignore[arg-type]


def test_too_slow_fails() -> None:
    outcome, log = _judge("max_cold_start_ms=500", 0.75)
    assert outcome.verdict is Verdict.FAIL
    assert outcome.why == "750 ms to the first answer where the budget is at most 500 ms, proven by 12 starts"
    assert outcome.interval == pytest.approx((750.0, 750.0))
    assert log["baseline_s"] == []


def test_a_ratio_is_of_adjacent_starts() -> None:
    outcome, log = _judge("max_cold_start_ratio=0.8", 0.5)
    assert outcome.verdict is Verdict.PASS
    assert outcome.value == pytest.approx(0.5)
    assert len(log["candidate_s"]) == len(log["baseline_s"]) == len(log["baseline_first"]) == 8
    assert _judge("max_cold_start_ratio=0.8", 0.9)[0].verdict is Verdict.FAIL


def test_near_the_limit_it_passes_with_a_warning_or_is_not_proven() -> None:
    outcome, _ = _judge("max_cold_start_ms=500", 0.49)
    assert outcome.verdict is Verdict.PASS
    assert "the headroom is 2 %" in outcome.warning


def test_the_seconds_win_over_the_starts() -> None:
    outcome, _ = _judge("max_cold_start_ms=500", 0.1, seconds=1e-4)
    assert outcome.verdict is Verdict.NOT_PROVEN
    assert "only 1 start fitted in 0.0001 s and a verdict takes 5" in outcome.why
