"""From measurements to outcomes: each verdict, and what it tells the reader."""

import random
from decimal import Decimal

import pytest

from lepton_rules.measure.budget import LATENCY, SIZE, Budget, parse_all
from lepton_rules.measure.judge_percentile import judge_percentile, planned_samples
from lepton_rules.measure.judge_speedup import judge_speedup
from lepton_rules.measure.paired import Pair, PairedRun
from lepton_rules.measure.sequential import Plan, SpeedupGate
from lepton_rules.measure.stability import instability
from lepton_rules.measure.verdict import Outcome, Verdict, judge, show


def _budget(spec: str) -> Budget:
    return parse_all([spec], LATENCY)[0]


def _judged(ratios: list[float], spec: str = "min_speedup=2", stopped: str = "pairs", **plan: float) -> Outcome:
    budget = _budget(spec)
    gate = SpeedupGate(float(budget.limit), Plan(**plan))  # type: ignore[arg-type]
    order = random.Random(1)
    run = PairedRun(seed=1, repeats=1, stopped=stopped, seconds=1.0)
    for ratio in ratios:
        run.pairs.append(Pair(baseline_ns=1, candidate_ns=1, baseline_first=order.random() < 0.5))
        run.verdict = gate.add(ratio)
        if run.verdict is not None:
            run.stopped = "verdict"
            break
    return judge_speedup(budget, gate, run)


def test_a_proven_speedup_passes_with_its_interval() -> None:
    outcome = _judged([3.0] * 50)
    assert outcome.verdict is Verdict.PASS
    assert outcome.value == 3
    assert outcome.interval is None or outcome.interval == (3.0, 3.0)
    assert outcome.margin == Decimal("0.5")
    assert (outcome.fix, outcome.warning) == ("", "")


def test_little_headroom_is_warned_of() -> None:
    outcome = _judged([2.05] * 50)
    assert outcome.verdict is Verdict.PASS
    assert "the headroom is 2.5 %, under twice the tolerance" in outcome.warning
    assert _judged([2.13] * 50).warning == ""


def test_a_proven_slowness_fails() -> None:
    outcome = _judged([1.5] * 50)
    assert outcome.verdict is Verdict.FAIL
    assert "1.5 times the baseline's speed where the budget is at least 2, proven by 16 pairs" in outcome.why


def test_at_the_cap_it_is_not_proven_and_says_so() -> None:
    outcome = _judged([1.93, 2.01] * 20, maximum_pairs=40)
    assert outcome.verdict is Verdict.NOT_PROVEN
    assert "neither kept nor broken at the cap of 40 pairs" in outcome.why


def test_seconds_that_end_too_early_are_named() -> None:
    outcome = _judged([4.0] * 4, stopped="seconds")
    assert outcome.verdict is Verdict.NOT_PROVEN
    assert "only 4 pairs fitted in 10 s and a verdict takes 10" in outcome.why
    assert "seconds" in outcome.fix
    outcome = _judged([4.0] * 11, stopped="seconds")
    assert "neither kept nor broken at the cap of 10 s" in outcome.why


def test_an_absurd_gain_is_implausible_whatever_the_budget() -> None:
    assert _judged([5000.0] * 50).verdict is Verdict.IMPLAUSIBLE
    assert _judged([5000.0], stopped="seconds").verdict is Verdict.IMPLAUSIBLE


def test_a_clock_that_stands_still_is_unstable() -> None:
    assert _judged([], stopped="clock").verdict is Verdict.UNSTABLE
    assert _judged([], stopped="clock").value is None


def test_a_machine_that_moves_is_unstable_at_the_cap_only() -> None:
    wild = _judged([0.9, 4.2] * 20, maximum_pairs=40)
    assert wild.verdict is Verdict.UNSTABLE
    assert "spreads" in wild.why
    drifting = _judged([1.93] * 12 + [2.5] * 12 + [1.5] * 16 + [1.93] * 4, maximum_pairs=40, alpha=1e-7)
    assert drifting.verdict is Verdict.UNSTABLE
    # Proven is proven, though the second half differs.
    assert _judged([3.0, 9.0] * 20).verdict is Verdict.PASS


def test_instability_names_what_moved() -> None:
    alternating = [True, False] * 20
    assert instability([1.0] * 40, alternating, 0.03) == ""
    assert "spreads" in instability([1.0, 2.0] * 20, alternating, 0.03)
    assert "drifted" in instability([1.0] * 20 + [1.2] * 20, alternating, 0.03)
    assert "ran first" in instability([1.0, 1.2] * 20, alternating, 0.03)
    assert instability([1.0, 2.0] * 5, [True, False] * 5, 0.03) == ""


def test_percentiles_pass_fail_and_stay_unproven() -> None:
    latencies = [1.0] * 250 + [9.0] * 6
    assert judge_percentile(_budget("max_p90_ms=1.5"), latencies).verdict is Verdict.PASS
    failed = judge_percentile(_budget("max_p90_ms=0.9"), latencies)
    assert failed.verdict is Verdict.FAIL
    assert "256 samples prove a p90 of at least 1 ms where the budget is at most 0.9 ms" in failed.why
    near = [1.0] * 230 + [9.0] * 26
    assert judge_percentile(_budget("max_p90_ms=1.5"), near).verdict is Verdict.NOT_PROVEN
    few = judge_percentile(_budget("max_p99_ms=1.5"), latencies)
    assert (few.verdict, few.value) == (Verdict.NOT_PROVEN, None)
    assert "256 samples fitted in the time, and p99 takes at least 662" in few.why


def test_samples_are_planned_for_the_highest_percentile() -> None:
    budgets = parse_all(["min_speedup=2", "max_p50_ms=1", "max_p90_ms=1"], LATENCY)
    assert planned_samples(budgets) == 256
    assert planned_samples(budgets[:1]) == 0
    assert planned_samples(parse_all(["max_p99_ms=1"], LATENCY)) == 2648


def test_exact_values_keep_a_limit_that_they_reach() -> None:
    limit = parse_all(["max_size_bytes=100"], SIZE)[0]
    assert judge(limit, Decimal(100), "why", "fix").verdict is Verdict.PASS
    broken = judge(limit, Decimal(101), "why", "Do it")
    assert broken.verdict is Verdict.FAIL
    assert broken.message == "max_size_bytes: 101 where the budget is at most 100 bytes (why). Do it."
    assert broken.margin == Decimal("-0.01")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e-7, "0.0000001"),
        (123456789, "123456789"),
        (0.2528, "0.2528"),
        (2.0, "2"),
        (1234567.8, "1234568"),
        (0.1, "0.1"),
    ],
)
def test_numbers_for_people(value: float, text: str) -> None:
    assert show(value) == text
