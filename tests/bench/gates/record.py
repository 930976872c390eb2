"""Records real gates of a small model, many in one process: pairs of times, and beside them what other methods measure.

Usage: record.py FOLDER --setting idle|busy [--runs 3000] [--slow 1000] [--clear 200] [--seconds 170] [--budget 0.97]

The model is a convolutional network whose inference takes a fraction of a millisecond in onnxruntime with one thread.
Baseline and candidate are two sessions of the same file. A gate of kind `same` compares them as they are; of kind
`slow`, each inference of the candidate is followed by a tenth of its own time. Kinds `clear_pass` and `clear_fail` are
as far from their budget as a factor of 1.5. Each gate is measured as
lepton_latency_test does, with its warm-up and its plan; then, on the same machine in the same second, one block of each
model as a benchmark would: ten inferences to warm up and twenty timed ones.

Each gate is a line of JSON in FOLDER/SETTING.jsonl; what is there already counts, so that a recording can be cut into
pieces. `busy` keeps every core busy with a process of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[3]))

from lepton_rules.measure.paired import measure_pairs
from lepton_rules.measure.sequential import Plan, SpeedupGate

SLOWER = 0.10
WARM_UP = 10
TIMED = 20
CLEAR = 1.5
_SEEDS = {"same": 0, "slow": 1_000_000, "clear_pass": 2_000_000, "clear_fail": 3_000_000}


def write_model(path: Path) -> None:
    """A network for pictures of 16 by 16, with weights from a fixed seed."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(1)
    nodes, weights, channels, name = [], [], 1, "x"
    for layer, width in enumerate((24, 48, 48, 64)):
        kernel = random.normal(0, 0.2, (width, channels, 3, 3)).astype(np.float32)
        weights.append(numpy_helper.from_array(kernel, f"w{layer}"))
        pads, strides = [1, 1, 1, 1], [1, 1] if layer < 2 else [2, 2]
        nodes.append(helper.make_node("Conv", [name, f"w{layer}"], [f"c{layer}"], pads=pads, strides=strides))
        nodes.append(helper.make_node("Relu", [f"c{layer}"], [f"r{layer}"]))
        channels, name = width, f"r{layer}"
    nodes.append(helper.make_node("GlobalAveragePool", [name], ["pooled"]))
    nodes.append(helper.make_node("Flatten", ["pooled"], ["flat"]))
    weights.append(numpy_helper.from_array(random.normal(0, 0.2, (channels, 10)).astype(np.float32), "w"))
    nodes.append(helper.make_node("MatMul", ["flat", "w"], ["y"]))
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 1, 16, 16])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 10])],
        weights,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))


def opened(path: Path) -> Callable[[int], object]:
    """A session of one thread that does not spin, ready to run."""
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    pictures = np.random.default_rng(2).normal(size=(16, 1, 1, 16, 16)).astype(np.float32)
    return lambda index: session.run(["y"], {"x": pictures[index % 16]})


def slowed(run: Callable[[int], object]) -> Callable[[int], object]:
    """The same, and a tenth of its time more."""

    def slower(index: int) -> object:
        start = time.perf_counter_ns()
        answer = run(index)
        now = time.perf_counter_ns()
        end = now + (now - start) * SLOWER
        while now < end:
            now = time.perf_counter_ns()
        return answer

    return slower


def block(run: Callable[[int], object]) -> list[int]:
    """Nanoseconds of each of twenty inferences, after ten to warm up."""
    for index in range(WARM_UP):
        run(index)
    times = []
    for index in range(TIMED):
        start = time.perf_counter_ns()
        run(index)
        times.append(time.perf_counter_ns() - start)
    return times


def gate(
    baseline: Callable[[int], object], candidate: Callable[[int], object], budget: float, seed: int
) -> dict[str, Any]:
    """One gate, and the blocks beside it."""
    start = time.perf_counter()
    judge = SpeedupGate(budget, Plan())
    run = measure_pairs(baseline, candidate, judge, seed)
    seconds = time.perf_counter() - start
    return {
        "budget": budget,
        "verdict": run.verdict.value if run.verdict else "NOT PROVEN",
        "stopped": run.stopped,
        "pairs": len(run.pairs),
        "repeats": run.repeats,
        "turns": run.turns,
        "seconds": round(seconds, 4),
        "baseline_ns": [pair.baseline_ns for pair in run.pairs],
        "candidate_ns": [pair.candidate_ns for pair in run.pairs],
        "block_baseline_ns": block(baseline),
        "block_candidate_ns": block(candidate),
    }


@contextlib.contextmanager
def load(busy: bool) -> Iterator[None]:
    """With `busy`, a process for each core that does nothing but compute, for as long as this one lives."""
    spin = f"import os\nwhile os.getppid() == {os.getpid()}: sum(range(100000))"
    processes = [subprocess.Popen([sys.executable, "-c", spin]) for _ in range((os.cpu_count() or 1) if busy else 0)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def main(words: list[str]) -> int:
    """Records until all are there or the seconds are over; says how many are missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--setting", choices=["idle", "busy"], required=True)
    parser.add_argument("--runs", type=int, default=3000)
    parser.add_argument("--slow", type=int, default=1000)
    parser.add_argument("--clear", type=int, default=200)
    parser.add_argument("--budget", type=float, default=0.97)
    parser.add_argument("--seconds", type=float, default=170)
    arguments = parser.parse_args(words)
    end = time.monotonic() + arguments.seconds
    arguments.folder.mkdir(parents=True, exist_ok=True)
    log, model = arguments.folder / f"{arguments.setting}.jsonl", arguments.folder / "small.onnx"
    lines = log.read_text("utf-8").splitlines() if log.exists() else []
    done = Counter(json.loads(line)["kind"] for line in lines)
    write_model(model)
    one, other = opened(model), opened(model)
    kinds = {
        "same": (arguments.runs, arguments.budget, other),
        "slow": (arguments.slow, arguments.budget, slowed(other)),
        "clear_pass": (arguments.clear, 1 / CLEAR, other),
        "clear_fail": (arguments.clear, CLEAR, other),
    }
    with log.open("a", encoding="utf-8") as stream, load(arguments.setting == "busy"):
        while time.monotonic() < end:
            missing = {kind: 1 - done[kind] / count for kind, (count, *_) in kinds.items() if done[kind] < count}
            if not missing:
                break
            # Both kinds all along, each in proportion to what is missing of it.
            kind = max(missing, key=lambda name: missing[name])
            _, budget, candidate = kinds[kind]
            found = gate(one, candidate, budget, _SEEDS[kind] + done[kind])
            stream.write(json.dumps({"kind": kind, "load": os.getloadavg()[0], **found}, separators=(",", ":")) + "\n")
            done[kind] += 1
    print(json.dumps({kind: [done[kind], count] for kind, (count, *_) in kinds.items()}))
    return 0 if all(done[kind] >= count for kind, (count, *_) in kinds.items()) else 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
