"""The sequential verdict: its arithmetic exactly, its error rates by enumeration, noise by simulation."""

import math
import random
from collections.abc import Callable
from fractions import Fraction

import pytest

from lepton_rules.measure.sequential import Plan, SpeedupGate, e_value, needed
from lepton_rules.measure.verdict import Verdict

PLAN = Plan()


def test_the_evidence_is_a_fair_game_at_one_half() -> None:
    for trials in range(40):
        for successes in range(trials + 1):
            after = (e_value(trials + 1, successes + 1) + e_value(trials + 1, successes)) / 2
            assert after == e_value(trials, successes)


def test_the_evidence_shrinks_on_average_under_the_null() -> None:
    for chance in (Fraction(1, 3), Fraction(49, 100)):
        for trials in range(25):
            for successes in range(trials + 1):
                win, lose = e_value(trials + 1, successes + 1), e_value(trials + 1, successes)
                assert chance * win + (1 - chance) * lose <= e_value(trials, successes)


def test_the_closed_form_is_the_integral() -> None:
    steps = 20_000
    for trials, successes in ((1, 1), (5, 3), (13, 13), (20, 4), (60, 45)):
        width = 0.5 / steps
        points = (0.5 + (i + 0.5) * width for i in range(steps))
        integral = sum(p**successes * (1 - p) ** (trials - successes) for p in points) * width
        spread = 2**trials * 2 * integral
        clear = 1.9**successes * 0.1 ** (trials - successes)
        assert float(e_value(trials, successes)) == pytest.approx((clear + spread) / 2, rel=1e-6)


def test_impossible_counts_are_refused() -> None:
    for trials, successes in ((3, 4), (3, -1)):
        with pytest.raises(ValueError, match="successes in"):
            e_value(trials, successes)


def test_needed_is_the_least_that_is_enough() -> None:
    for trials in (1, 12, 13, 40, 200):
        count = needed(trials, 1000)
        assert count == trials + 1 or e_value(trials, count) >= 1000
        assert count == 0 or e_value(trials, count - 1) < 1000


def _outcomes(below: float, between: float, above: float, plan: Plan = PLAN) -> dict[Verdict | None, float]:
    """Exact probabilities of the verdicts at the cap, when a ratio falls into each of the three zones independently.

    Zones: below the passing threshold, between it and the budget, above the budget.
    """
    ratios = {0.9 * (1 - plan.tolerance): below, 1 - plan.tolerance / 2: between, 1.1: above}
    states: dict[tuple[int, int], float] = {(0, 0): 1.0}
    found: dict[Verdict | None, float] = {}
    for pairs in range(1, plan.maximum_pairs + 1):
        after: dict[tuple[int, int], float] = {}
        for (over, under), weight in states.items():
            for ratio, chance in ratios.items():
                state = (over + (ratio > 1 - plan.tolerance), under + (ratio < 1))
                after[state] = after.get(state, 0.0) + weight * chance
        states = {}
        for (over, under), weight in after.items():
            verdict: Verdict | None = None
            if pairs >= plan.minimum_pairs:
                if over >= needed(pairs, plan.pass_evidence):
                    verdict = Verdict.PASS
                elif under >= needed(pairs, plan.fail_evidence):
                    verdict = Verdict.FAIL
            if verdict is None:
                states[over, under] = weight
            else:
                found[verdict] = found.get(verdict, 0.0) + weight
    found[None] = sum(states.values())
    return found


def test_a_candidate_as_fast_as_its_budget_fails_in_less_than_one_run_in_ten_thousand() -> None:
    worst = max(_outcomes(half, 0.5 - half, 0.5).get(Verdict.FAIL, 0.0) for half in (0.1, 0.3, 0.45, 0.4999, 0.5))
    assert worst < 1e-4
    # What alpha itself would give: too often for a gate that a thousand merges pass through.
    plain = Plan(alpha=0.01)
    assert _outcomes(0.5, 0.0, 0.5, plain).get(Verdict.FAIL, 0.0) > 3e-4


def test_a_candidate_at_the_tolerance_passes_in_less_than_one_run_in_a_thousand() -> None:
    for above in (0.0, 0.2, 0.5):
        assert _outcomes(0.5, 0.5 - above, above).get(Verdict.PASS, 0.0) < 1e-3


def _run(draw: Callable[[], float], budget: float = 1.0, plan: Plan = PLAN) -> tuple[Verdict | None, int]:
    gate = SpeedupGate(budget, plan)
    for pairs in range(1, plan.maximum_pairs + 1):
        verdict = gate.add(draw())
        if verdict is not None:
            return verdict, pairs
    return None, plan.maximum_pairs


def test_clear_cases_take_at_most_20_pairs() -> None:
    assert _run(lambda: 3.9, 3.2) == (Verdict.PASS, 12)
    assert _run(lambda: 2.9, 3.2) == (Verdict.FAIL, 16)


@pytest.mark.parametrize("odd", range(20))
def test_a_clear_case_with_one_pair_on_the_wrong_side_takes_at_most_20(odd: int) -> None:
    passing = iter([0.01 if pair == odd else 3.9 for pair in range(20)])
    verdict, pairs = _run(lambda: next(passing), 3.2)
    assert (verdict, pairs) == (Verdict.PASS, 17 if odd < 12 else 12)
    failing = iter([100.0 if pair == odd else 2.9 for pair in range(20)])
    verdict, pairs = _run(lambda: next(failing), 3.2)
    assert (verdict, pairs) == (Verdict.FAIL, 20 if odd < 16 else 16)


def test_between_tolerance_and_budget_both_are_proven_and_it_passes() -> None:
    assert _run(lambda: 0.985) == (Verdict.PASS, 12)
    # Both thresholds crossed by the same pair: signs of both kinds, evidence for FAIL complete, and PASS wins.
    gate = SpeedupGate(1.0, Plan(minimum_pairs=20))
    verdicts = [gate.add(0.985) for _ in range(20)]
    assert verdicts[:-1] == [None] * 19
    assert verdicts[-1] is Verdict.PASS


def test_a_ratio_that_equals_a_threshold_counts_for_neither_side() -> None:
    plan = Plan(tolerance=0.25)
    assert _run(lambda: 0.75, 1.0, plan)[0] is Verdict.FAIL
    assert _run(lambda: 1.0, 1.0, plan)[0] is Verdict.PASS


def test_no_verdict_before_the_minimum() -> None:
    assert _run(lambda: 3.9, 3.2, Plan(minimum_pairs=50)) == (Verdict.PASS, 50)


def noisy(seed: int, speedup: float, sigma: float, spikes: float = 0.0) -> Callable[[], float]:
    """Ratios of two times that share a slow drift and are hit by rare, long interruptions, each on its own."""
    rng = random.Random(seed)
    drift = 0.0

    def time(mean: float) -> float:
        value = mean * math.exp(drift + rng.gauss(0, sigma))
        return value * rng.uniform(2, 30) if rng.random() < spikes else value

    def ratio() -> float:
        nonlocal drift
        drift = 0.95 * drift + rng.gauss(0, 0.05)
        return time(speedup) / time(1.0)

    return ratio


@pytest.mark.parametrize(("sigma", "spikes"), [(0.005, 0.0), (0.02, 0.02), (0.05, 0.1)])
def test_in_noise_no_wrong_verdict_and_clear_cases_are_decided(sigma: float, spikes: float) -> None:
    runs = 150
    for true, right in ((1.0, Verdict.PASS), (1.2, Verdict.PASS), (1 / 1.1, Verdict.FAIL), (0.8, Verdict.FAIL)):
        found = [_run(noisy(seed, true, sigma, spikes))[0] for seed in range(runs)]
        wrong = Verdict.FAIL if right is Verdict.PASS else Verdict.PASS
        assert wrong not in found
        assert found.count(right) >= 0.99 * runs or (true == 1.0 and sigma >= 0.05)


def test_the_interval_says_what_the_verdict_says() -> None:
    for seed in range(60):
        gate = SpeedupGate(1.0, PLAN)
        draw = noisy(seed, random.Random(seed).uniform(0.85, 1.15), 0.04)
        for _ in range(PLAN.maximum_pairs):
            verdict = gate.add(draw())
            interval = gate.interval
            passes = interval is not None and interval[0] > 1 - PLAN.tolerance
            fails = interval is not None and interval[1] < 1
            if verdict is None:
                assert not fails
                assert not passes
            elif interval is not None:
                assert (verdict is Verdict.PASS) == passes
                assert gate.median is not None
                assert interval[0] <= gate.median <= interval[1]
            if verdict is not None:
                break


def test_the_interval_holds_the_true_median() -> None:
    missed = 0
    for seed in range(200):
        gate, draw = SpeedupGate(1.0, PLAN), noisy(seed, 1.3, 0.1, 0.05)
        for _ in range(60):
            gate.add(draw())
        assert gate.interval is not None
        missed += not gate.interval[0] <= 1.3 <= gate.interval[1]
    assert missed <= 1


def test_nonsense_is_refused() -> None:
    for ratio in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="ratio"):
            SpeedupGate(1.0, PLAN).add(ratio)
    for budget in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="budget"):
            SpeedupGate(budget, PLAN)
    for fields in (
        {"tolerance": 0.0},
        {"tolerance": math.nan},
        {"alpha": 0.0},
        {"alpha": 0.2},
        {"minimum_pairs": 0},
        {"minimum_pairs": 300},
        {"seconds": math.inf},
        {"seconds": 0.0},
    ):
        with pytest.raises(ValueError):
            Plan(**fields)


def test_the_evidence_of_unanimous_pairs() -> None:
    for pairs in (11, 12):
        assert e_value(pairs, pairs) == (Fraction(19, 10) ** pairs + Fraction(2 ** (pairs + 1) - 1, pairs + 1)) / 2
    assert e_value(12, 12) > 1000 > e_value(11, 11)
