"""Several models measured in turns, in one process: what disturbs the machine disturbs all of them alike."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping

from lepton_rules.measure.paired import Clock, Run, quiet, warm_up


def in_turns(
    runs: Mapping[str, Run], seconds: float, seed: int, rounds: int = 400, clock: Clock = time.perf_counter_ns
) -> dict[str, list[int]]:
    """Latencies of single inferences in nanoseconds, by name, in the order in which they ran.

    Each round runs every model once, in an order drawn anew.

    Args:
      seconds: after which no round begins, once each has run.
      seed: of the orders.
      rounds: at most so many.
    """
    order = random.Random(seed)
    found: dict[str, list[int]] = {name: [] for name in runs}
    with quiet():
        for run in runs.values():
            warm_up(run, clock)
        end = clock() + int(seconds * 1e9)
        names = list(runs)
        for index in range(rounds):
            order.shuffle(names)
            for name in names:
                before = clock()
                runs[name](index)
                found[name].append(clock() - before)
            if clock() >= end:
                break
    return found
