"""The same model without a server: threads call the runtime, one inference at a time. Prints JSON.

usage: direct.py MODEL_DIRECTORY THREADS CLIENTS SECONDS
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

import numpy as np
from lepton_plugin_onnxruntime.config import RuntimeConfig
from lepton_plugin_onnxruntime.runtime import OnnxRuntime

from lepton_rules import manifest as manifests
from lepton_rules.plugin import ModelDirectory, RuntimeContext


def main(path: Path, threads: int, clients: int, seconds: float) -> dict[str, float]:
    """Runs for `seconds`, and returns what came of it."""
    model = ModelDirectory(path, manifests.read(path / "manifest.json"))
    runtime = OnnxRuntime(
        RuntimeContext(label="direct", config=RuntimeConfig(), model=model, hardware=None, threads=threads)
    )
    image = np.random.default_rng(0).random((1, 1, 16, 16)).astype(np.float32)
    for _ in range(20):
        runtime.run({"image": image})
    turn = threading.Lock()
    times: list[list[float]] = [[] for _ in range(clients)]
    begin = time.perf_counter()
    end = begin + seconds

    def client(mine: list[float]) -> None:
        while (start := time.perf_counter()) < end:
            with turn:
                runtime.run({"image": image})
            mine.append(time.perf_counter() - start)

    workers = [threading.Thread(target=client, args=(mine,)) for mine in times]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    took = time.perf_counter() - begin
    every = sorted(each for mine in times for each in mine)
    return {
        "rate": len(every) / took,
        "p50_ms": 1000 * every[len(every) // 2],
        "p99_ms": 1000 * every[int(len(every) * 0.99)],
        "cpu_s": time.process_time(),
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), *map(int, sys.argv[2:4]), float(sys.argv[4]))))
