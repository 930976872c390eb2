"""The measuring loop, on a clock that the test turns."""

import gc
from collections.abc import Callable

from lepton_rules.measure.paired import PairedRun, measure_alone, measure_pairs
from lepton_rules.measure.sequential import Plan, SpeedupGate
from lepton_rules.measure.verdict import Verdict


class Bench:
    """Two models whose inferences take given times, in nanoseconds, and a clock that only they turn."""

    def __init__(self, baseline: Callable[[int], int], candidate: Callable[[int], int]) -> None:
        self.now = 0
        self.calls: list[tuple[str, int]] = []
        self.collecting = False
        self._times = {"baseline": baseline, "candidate": candidate}

    def clock(self) -> int:
        return self.now

    def run(self, name: str) -> Callable[[int], object]:
        def once(index: int) -> object:
            self.calls.append((name, index))
            self.collecting |= gc.isenabled()
            self.now += self._times[name](index)
            return object()

        return once

    def measure(self, budget: float = 1.0, seed: int = 7, **plan: float) -> tuple[SpeedupGate, PairedRun]:
        gate = SpeedupGate(budget, Plan(**plan))  # type: ignore[arg-type]
        return gate, measure_pairs(self.run("baseline"), self.run("candidate"), gate, seed, self.clock)


def _milliseconds(value: float) -> Callable[[int], int]:
    return lambda index: int(value * 1e6)


def test_ratios_are_baseline_over_candidate_whatever_the_order() -> None:
    gate, run = Bench(_milliseconds(8), _milliseconds(2)).measure(budget=3.2)
    assert run.verdict is Verdict.PASS
    assert run.stopped == "verdict"
    assert set(gate.ratios) == {4.0}
    assert {pair.baseline_first for pair in run.pairs} == {True, False}


def test_members_of_a_pair_are_adjacent_and_get_the_same_input() -> None:
    bench = Bench(_milliseconds(8), _milliseconds(2))
    _, run = bench.measure(budget=3.2)
    assert (run.repeats, run.turns) == (1, 5)
    turns = bench.calls[-2 * 5 * len(run.pairs) :]
    for number, (first, second) in enumerate(zip(turns[::2], turns[1::2], strict=True)):
        assert {first[0], second[0]} == {"baseline", "candidate"}
        assert first[1] == second[1] == number
        # Who is first changes with each turn of a pair, from the one that was drawn.
        pair, turn = divmod(number, 5)
        assert (first[0] == "baseline") == (run.pairs[pair].baseline_first == (turn % 2 == 0))


def test_interruptions_of_fewer_than_half_of_the_calls_decide_nothing() -> None:
    turn = iter(range(10**6))
    bench = Bench(_milliseconds(0.1), lambda index: 5_000_000 if next(turn) % 15 < 7 else 90_000)
    gate, run = bench.measure(budget=1.05)
    assert run.turns == 15
    assert (run.verdict, len(run.pairs)) == (Verdict.PASS, 12)
    assert set(gate.ratios) == {100_000 / 90_000}


def test_a_steady_drift_falls_on_both_alike() -> None:
    bench = Bench(_milliseconds(1), _milliseconds(1))

    def slower_by_and_by(name: str) -> Callable[[int], object]:
        def once(index: int) -> object:
            bench.now += 1_000_000 + bench.now // 1000
            return object()

        return once

    gate = SpeedupGate(1.0, Plan())
    run = measure_pairs(slower_by_and_by("baseline"), slower_by_and_by("candidate"), gate, 7, bench.clock)
    assert run.turns > 1
    assert all(abs(ratio - 1) < 0.002 for ratio in gate.ratios)


def test_the_seed_decides_the_order() -> None:
    def order(seed: int) -> list[bool]:
        turn = iter(range(10**6))
        bench = Bench(lambda index: 20_000_000 + 6_000_000 * (next(turn) % 2), _milliseconds(23))
        _, run = bench.measure(seed=seed, seconds=20)
        return [pair.baseline_first for pair in run.pairs]

    assert order(1) == order(1)
    assert order(1) != order(2)
    assert 60 < sum(order(3)) < 140


def test_warm_up_comes_first_and_its_time_does_not_count() -> None:
    cold = iter([10**10])
    bench = Bench(lambda index: next(cold, 4_000_000), _milliseconds(2))
    gate, run = bench.measure(budget=1.5)
    assert run.verdict is Verdict.PASS
    assert max(gate.ratios) == 2.0
    assert run.seconds < 1


def test_the_garbage_collector_rests_and_wakes_again() -> None:
    bench = Bench(_milliseconds(1), _milliseconds(1))
    assert gc.isenabled()
    bench.measure()
    assert not bench.collecting
    assert gc.isenabled()


def test_the_cap_of_pairs_ends_it() -> None:
    turn = iter(range(10**6))
    bench = Bench(lambda index: 20_000_000 + 6_000_000 * (next(turn) % 2), _milliseconds(23))
    _, run = bench.measure(budget=1.0, maximum_pairs=40)
    assert (run.verdict, run.stopped, len(run.pairs)) == (None, "pairs", 40)


def test_seconds_win_over_the_minimum_of_pairs() -> None:
    _, run = Bench(_milliseconds(2000), _milliseconds(500)).measure(budget=2.0)
    assert (run.verdict, run.stopped, len(run.pairs)) == (None, "seconds", 4)
    # Even one pair that is longer than the whole plan is measured.
    _, run = Bench(_milliseconds(20_000), _milliseconds(5000)).measure(budget=2.0)
    assert (run.stopped, len(run.pairs)) == ("seconds", 1)


def test_short_inferences_are_repeated_within_a_call() -> None:
    _, run = Bench(_milliseconds(0.04), _milliseconds(0.01)).measure(budget=3.0)
    assert (run.repeats, run.turns) == (5, 15)
    assert run.pairs[0].candidate_ns == 5 * 10_000


def test_calls_and_repeats_leave_room_for_150_pairs() -> None:
    _, run = Bench(_milliseconds(100), _milliseconds(0.001)).measure(budget=3.0)
    assert (run.repeats, run.turns) == (1, 1)
    for together, turns in ((20, 3), (8, 7), (5, 13), (4, 15)):
        _, run = Bench(_milliseconds(together / 2), _milliseconds(together / 2)).measure(budget=0.9)
        assert run.turns == turns


def test_a_clock_that_stands_still_stops_it() -> None:
    _, run = Bench(_milliseconds(1), lambda index: 0).measure()
    assert (run.verdict, run.stopped, len(run.pairs)) == (None, "clock", 1)


def test_alone_takes_the_planned_number_or_what_fits() -> None:
    bench = Bench(_milliseconds(1), lambda index: (index + 1) * 1_000_000)
    assert measure_alone(bench.run("candidate"), 5, 60.0, bench.clock) == [1e6, 2e6, 3e6, 4e6, 5e6]
    bench = Bench(_milliseconds(1), _milliseconds(400))
    assert len(measure_alone(bench.run("candidate"), 100, 2.0, bench.clock)) == 5
