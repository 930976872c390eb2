"""The measuring loop: baseline and candidate beside each other, in one process.

What disturbs a machine (other processes, clock frequency, heat) disturbs both members of an adjacent pair alike, and
their ratio cancels it. Which of the two runs first is drawn for each pair, so that what the first does to the second
(its data in the caches, its threads still spinning) falls on both sides equally.
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

_WARM_UP_SECONDS = 0.3
_WARM_UP_RUNS = 50
_SHORTEST_NS = 200_000


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One pair: the time that `repeats` inferences of each took, in nanoseconds."""

    baseline_ns: int
    candidate_ns: int
    baseline_first: bool


@dataclass(kw_only=True)
class PairedRun:
    """All that a run measured, enough to judge it again.

    Attributes:
      seed: of the order of the pairs.
      repeats: inferences in one member of a pair.
      verdict: PASS or FAIL when one was proven, else None.
      stopped: why it ended: "verdict", "pairs", "seconds" or "clock" (a member took no measurable time).
    """

    seed: int
    repeats: int
    pairs: list[Pair] = field(default_factory=list)
    verdict: Verdict | None = None
    stopped: str = ""
    seconds: float = 0.0


def measure_pairs(
    baseline: Run, candidate: Run, gate: SpeedupGate, seed: int, clock: Clock = time.perf_counter_ns
) -> PairedRun:
    """Measures pairs until the gate proves something or its plan ends.

    Both are warmed up first, outside of the plan's seconds. Where an inference is short, each member of a pair is
    several of them in a row, so that the shorter member lasts about 0.2 ms and the clock's own cost does not
    count.

    Args:
      seed: decides the order in each pair.
    """
    plan = gate.plan
    order = random.Random(seed)
    with quiet():
        baseline_ns, candidate_ns = warm_up(baseline, clock), warm_up(candidate, clock)
        run = PairedRun(seed=seed, repeats=_repeats(baseline_ns, candidate_ns, plan))
        start = clock()
        while not run.stopped:
            if run.pairs and clock() - start >= plan.seconds * 1e9:
                run.stopped = "seconds"
            elif len(run.pairs) >= plan.maximum_pairs:
                run.stopped = "pairs"
            else:
                pair = _pair(baseline, candidate, order.random() < 0.5, run.repeats, len(run.pairs), clock)
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
    """As many as make the shorter member last 0.2 ms, while all pairs still fit in the plan's seconds; at least 1."""
    wanted = -(-_SHORTEST_NS // max(min(baseline_ns, candidate_ns), 1))
    fitting = int(plan.seconds * 1e9 / plan.maximum_pairs) // max(baseline_ns + candidate_ns, 1)
    return max(1, min(wanted, fitting))


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


def _pair(baseline: Run, candidate: Run, baseline_first: bool, repeats: int, index: int, clock: Clock) -> Pair:
    first, second = (baseline, candidate) if baseline_first else (candidate, baseline)
    start = clock()
    for _ in range(repeats):
        first(index)
    middle = clock()
    for _ in range(repeats):
        second(index)
    end = clock()
    one, other = middle - start, end - middle
    return Pair(
        baseline_ns=one if baseline_first else other,
        candidate_ns=other if baseline_first else one,
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
