"""Speed, accuracy and size of ONNX models, all in one process with one onnxruntime on one thread.

Usage: judge.py EVALUATION.npz NAME=MODEL.onnx …

The first model is the baseline, the second is compared with each. In a round every model infers once, in an order drawn
for the round, so that what disturbs the machine disturbs all. Prints JSON: for each name its `bytes`; its `quality`,
the share of labels that are right where labels are integers, else the mean cosine of its outputs to the baseline's; and
[low, median, high] of `speedup` over the baseline and of `against`, the second model's time over its own: medians of
the rounds' ratios with an interval of 99 %, from order statistics.
"""

from __future__ import annotations

import gc
import json
import math
import random
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime

_ROUNDS = 400
_SECONDS = 40.0


def _session(path: str) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _interval(ratios: list[float]) -> list[float]:
    """Low, median and high: the order statistics between which the median lies with 99 %."""
    found = sorted(ratios)
    count = len(found)
    reach = math.ceil(2.576 * math.sqrt(count) / 2)
    middle = count // 2
    return [found[max(0, middle - reach)], statistics.median(found), found[min(count - 1, middle + reach)]]


def _quality(outputs: np.ndarray, baseline: np.ndarray, labels: np.ndarray) -> float:
    """Of outputs [samples, values]."""
    if labels.dtype.kind in "iu":
        return float((outputs.argmax(axis=1) == labels).mean())
    lengths = np.linalg.norm(outputs, axis=1) * np.linalg.norm(baseline, axis=1)
    return float(((outputs * baseline).sum(axis=1) / lengths).mean())


def main(evaluation: str, *words: str) -> None:
    """Measures and prints."""
    paths = dict(word.split("=", 1) for word in words)
    sessions = {name: _session(path) for name, path in paths.items()}
    arrays = dict(np.load(evaluation))
    labels = arrays.pop("labels")
    feeds = {name: {value.name: arrays[value.name] for value in each.get_inputs()} for name, each in sessions.items()}
    outputs = {name: each.run(None, feeds[name])[0] for name, each in sessions.items()}
    first, second = list(paths)[:2]
    times: dict[str, list[int]] = {name: [] for name in paths}
    order, start = random.Random(0), time.perf_counter()
    gc.collect()
    gc.disable()
    for number in range(-20, _ROUNDS):
        index = number % len(labels)
        names = list(paths)
        order.shuffle(names)
        for name in names:
            feed = {key: value[index : index + 1] for key, value in feeds[name].items()}
            before = time.perf_counter_ns()
            sessions[name].run(None, feed)
            after = time.perf_counter_ns()
            if number >= 0:  # those before warm up
                times[name].append(after - before)
        if time.perf_counter() - start > _SECONDS:
            break

    def ratios(one: str, other: str) -> list[float]:
        return [a / b for a, b in zip(times[one], times[other], strict=True)]

    print(
        json.dumps(
            {
                name: {
                    "bytes": Path(path).stat().st_size,
                    "quality": _quality(outputs[name], outputs[first], labels),
                    "milliseconds": statistics.median(times[name]) / 1e6,
                    "speedup": _interval(ratios(first, name)),
                    "against": _interval(ratios(second, name)),
                }
                for name, path in paths.items()
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
