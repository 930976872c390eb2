"""The measuring loop: baseline and candidate beside each other, in one process.

What disturbs a machine (other processes, clock frequency, heat) disturbs both members of an adjacent pair alike, and
their ratio cancels it. Which of the two runs first is drawn for each pair, so that what the first does to the second
(its data in the caches, its threads still spinning) falls on both sides equally.

One interruption takes longer than many short inferences, and would decide the pair that it falls into. So a member of a
pair is the median of several timed calls, taken in turns with the other's in the order AB BA AB BA …: whoever
interrupts fewer than half of a member's calls does not move it, and a drift within the pair falls on both alike
(counterbalancing: R. Fisher, The Design of Experiments, 1935). What is judged is then the median ratio of such
members: the sequential test asks nothing of what a pair is made of.
"""

from __future__ import annotations

import contextlib
import gc
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from lepton_rules.measure.sequential import Plan, SpeedupGate
from lepton_rules.measure.verdict import Verdict

Run = Callable[[int], object]
"""Runs one inference on the input of that index, from start to finish. What it returns is dropped."""

Clock = Callable[[], int]
"""Nanoseconds, monotonic."""

METHOD = 2
"""Number of the method. Raise it with every change here or in `sequential` after which the same two models may get
another figure: what is remembered by it is measured anew. 2: a member is the median of calls in turns; 1 was one call.
"""

_WARM_UP_SECONDS = 0.3
_WARM_UP_RUNS = 50
_SHORTEST_NS = 50_000
_MOST_TURNS = 15
_PAIRS_THAT_FIT = 150


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One pair: the time that `repeats` inferences of each took, in nanoseconds, the median of the pair's turns."""

    baseline_ns: int
    candidate_ns: int
    baseline_first: bool


@dataclass(kw_only=True)
class PairedRun:
    """All that a run measured, enough to judge it again.

    Attributes:
      seed: of the order of the pairs.
      repeats: inferences in one timed call.
      turns: timed calls of each member in a pair, an odd number.
      verdict: PASS or FAIL when one was proven, else None.
      stopped: why it ended: "verdict", "pairs", "seconds" or "clock" (a member took no measurable time).
    """

    seed: int
    repeats: int
    turns: int = 1
    pairs: list[Pair] = field(default_factory=list)
    verdict: Verdict | None = None
    stopped: str = ""
    seconds: float = 0.0


def measure_pairs(
    baseline: Run, candidate: Run, gate: SpeedupGate, seed: int, clock: Clock = time.perf_counter_ns
) -> PairedRun:
    """Measures pairs until the gate proves something or its plan ends.

    Both are warmed up first, outside of the plan's seconds. Where an inference is very short, a timed call is
    several of them in a row, so that the shorter call lasts about 0.05 ms and the clock's own cost does not
    count. The median of up to 15 calls is a member of a pair, of as many as let 150 pairs fit in the plan's seconds.

    Args:
      seed: decides the order in each pair.
    """
    plan = gate.plan
    order = random.Random(seed)
    with quiet():
        baseline_ns, candidate_ns = warm_up(baseline, clock), warm_up(candidate, clock)
        repeats = _repeats(baseline_ns, candidate_ns, plan)
        run = PairedRun(seed=seed, repeats=repeats, turns=_turns(repeats * (baseline_ns + candidate_ns), plan))
        start = clock()
        while not run.stopped:
            if run.pairs and clock() - start >= plan.seconds * 1e9:
                run.stopped = "seconds"
            elif len(run.pairs) >= plan.maximum_pairs:
                run.stopped = "pairs"
            else:
                pair = _pair(baseline, candidate, order.random() < 0.5, run, clock)
                run.pairs.append(pair)
                if min(pair.baseline_ns, pair.candidate_ns) <= 0:
                    run.stopped = "clock"
                    break
                run.verdict = gate.add(pair.baseline_ns / pair.candidate_ns)
                if run.verdict is not None:
                    run.stopped = "verdict"
        run.seconds = (clock() - start) / 1e9
    return run


def _repeats(baseline_ns: int, candidate_ns: int, plan: Plan) -> int:
    """As many as make the shorter call last 0.05 ms, while 150 pairs still fit in the plan's seconds; at least 1."""
    wanted = -(-_SHORTEST_NS // max(min(baseline_ns, candidate_ns), 1))
    return max(1, min(wanted, _fitting(baseline_ns + candidate_ns, plan)))


def _turns(turn_ns: int, plan: Plan) -> int:
    """As many as fit, up to 15, and odd, so that the median is a time that was measured."""
    return (max(1, min(_MOST_TURNS, _fitting(turn_ns, plan))) - 1) // 2 * 2 + 1


def _fitting(turn_ns: int, plan: Plan) -> int:
    """How many times in a pair what takes so long can be done, if 150 pairs are to fit in the plan's seconds."""
    return int(plan.seconds * 1e9 / _PAIRS_THAT_FIT) // max(turn_ns, 1)


def measure_alone(candidate: Run, samples: int, seconds: float, clock: Clock = time.perf_counter_ns) -> list[int]:
    """Latencies of the candidate by itself, one inference each, in nanoseconds: `samples` of them, or as many as fit
    in `seconds`.
    """
    latencies: list[int] = []
    with quiet():
        warm_up(candidate, clock)
        end = clock() + int(seconds * 1e9)
        before = clock()
        while len(latencies) < samples and before < end:
            candidate(len(latencies))
            after = clock()
            latencies.append(after - before)
            before = clock()
    return latencies


def warm_up(run: Run, clock: Clock) -> int:
    """Runs until 0.3 s or 50 runs have passed, at least once, and returns the shortest time of one run in
    nanoseconds.
    """
    shortest: int | None = None
    start = clock()
    for index in range(_WARM_UP_RUNS):
        before = clock()
        run(index)
        after = clock()
        shortest = after - before if shortest is None else min(shortest, after - before)
        if after - start >= _WARM_UP_SECONDS * 1e9:
            break
    return shortest or 0


def _pair(baseline: Run, candidate: Run, baseline_first: bool, run: PairedRun, clock: Clock) -> Pair:
    """One more pair of the run; both of a turn get the same input."""
    members = [(baseline, list[int]()), (candidate, list[int]())]
    order = members if baseline_first else members[::-1]
    for turn in range(run.turns):
        index = len(run.pairs) * run.turns + turn
        for model, times in order:
            before = clock()
            for _ in range(run.repeats):
                model(index)
            times.append(clock() - before)
        order = order[::-1]
    baseline_ns, candidate_ns = (sorted(times)[run.turns // 2] for _, times in members)
    return Pair(
        baseline_ns=baseline_ns,
        candidate_ns=candidate_ns,
        baseline_first=baseline_first,
    )


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No garbage collection inside, and none owed from before."""
    enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
