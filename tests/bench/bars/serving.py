"""What the server costs over calls of onnxruntime, on the int8 ResNet: the same threads, the same clients."""

from __future__ import annotations

import os
import statistics

from harness.bar import Bar, Options, at_least, at_most
from harness.serving import Setting, built

_ROUNDS = 15
_SECONDS = 1.2


def measure(options: Options) -> list[Bar]:
    """Inference has one thread on both sides, so that HTTP and the client have a CPU of their own; with all CPUs for
    inference, client and HTTP take from it what they cost, which is told beside it."""
    return judge(built(options))


def judge(setting: Setting) -> list[Bar]:
    """Compares them in turn, several times."""
    eight = _compare(setting, threads=1, clients=8)
    cpus = len(os.sched_getaffinity(0))
    every = _compare(setting, threads=cpus, clients=8)
    joined = _compare(setting, threads=1, clients=32, flags=("--max_batch=16",))
    how = (
        f"one thread, 8 clients that take turns: {_told(eight)}; client {eight['client_us']:.0f} us of CPU a request; "
        f"with {cpus} threads on {cpus} CPUs, which the client shares: {_told(every)}"
    )
    return [
        at_most("server over onnxruntime, p50", eight["overhead_ms"], 1.5, "ms", how),
        at_least("server over onnxruntime, throughput", eight["ratio"], 0.8, "of it", how),
        at_least("server with batches, 32 clients", joined["ratio"], 1.0, "of it", f"one thread: {_told(joined)}"),
    ]


def _compare(setting: Setting, threads: int, clients: int, flags: tuple[str, ...] = ()) -> dict[str, float]:
    """Medians over rounds. In each both are measured one right after the other, and who comes first alternates: a
    machine that becomes slower or faster does so for both."""
    found: list[dict[str, float]] = []
    with setting.serving(f"--threads={threads}", *flags) as server:
        server.load(clients, 1)
        for number in range(_ROUNDS):
            if number % 2:
                served = server.load(clients, _SECONDS)
                direct = setting.direct(threads, threads, clients, _SECONDS)
            else:
                direct = setting.direct(threads, threads, clients, _SECONDS)
                served = server.load(clients, _SECONDS)
            found.append(
                {
                    "ratio": served["rate"] / direct["rate"],
                    "overhead_ms": served["p50_ms"] - direct["p50_ms"],
                    "direct": direct["rate"],
                    "served": served["rate"],
                    "direct_p50": direct["p50_ms"],
                    "served_p50": served["p50_ms"],
                    "client_us": 1e6 * served["client_cpu_s"] / served["answered"],
                }
            )
    medians = {key: statistics.median(each[key] for each in found) for key in found[0]}
    return medians | {f"{end.__name__}_ratio": end(each["ratio"] for each in found) for end in (min, max)}


def _told(one: dict[str, float]) -> str:
    return (
        f"{one['served']:.0f} of {one['direct']:.0f} requests/s, "
        f"p50 {one['served_p50']:.2f} ms against {one['direct_p50']:.2f} ms, "
        f"ratios from {one['min_ratio']:.2f} to {one['max_ratio']:.2f} in {_ROUNDS} rounds"
    )
