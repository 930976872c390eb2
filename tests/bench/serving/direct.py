"""The same model without a server: threads call the runtime and take turns, first come first served. Prints JSON.

usage: direct.py MODEL_DIRECTORY THREADS WORKERS CLIENTS SECONDS
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import deque
from pathlib import Path

import numpy as np
from lepton_plugin_onnxruntime.config import RuntimeConfig
from lepton_plugin_onnxruntime.runtime import OnnxRuntime

from lepton_rules import manifest as manifests
from lepton_rules.plugin import ModelDirectory, RuntimeContext


class Turns:
    """Lets `count` threads in at once, in the order in which they come. A lock of Python's lets its owner come first
    again, which halves the median and hides those that starve."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._lock = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()

    def __enter__(self) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        turn.acquire()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1


def main(path: Path, threads: int, workers: int, clients: int, seconds: float) -> dict[str, float]:
    """Runs for `seconds`, and returns what came of it."""
    model = ModelDirectory(path, manifests.read(path / "manifest.json"))
    runtime = OnnxRuntime(
        RuntimeContext(label="direct", config=RuntimeConfig(), model=model, hardware=None, threads=threads)
    )
    image = np.random.default_rng(0).random((1, 1, 16, 16)).astype(np.float32)
    for _ in range(20):
        runtime.run({"image": image})
    turns = Turns(workers)
    times: list[list[float]] = [[] for _ in range(clients)]
    used = time.process_time()
    begin = time.perf_counter()
    end = begin + seconds

    def client(mine: list[float]) -> None:
        while (start := time.perf_counter()) < end:
            with turns:
                runtime.run({"image": image})
            mine.append(time.perf_counter() - start)

    callers = [threading.Thread(target=client, args=(mine,)) for mine in times]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    took = time.perf_counter() - begin
    every = sorted(each for mine in times for each in mine)
    return {
        "rate": len(every) / took,
        "p50_ms": 1000 * every[len(every) // 2],
        "p99_ms": 1000 * every[int(len(every) * 0.99)],
        "cpu_ms": 1000 * (time.process_time() - used) / len(every),
    }


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[2:5]]
    print(json.dumps(main(Path(sys.argv[1]), numbers[0], numbers[1], numbers[2], float(sys.argv[5]))))
