"""One and a half times what the server can do, for a minute; then ten minutes of load with bad requests in it."""

from __future__ import annotations

import gzip
import http.client
import itertools
import json
import socket
import statistics
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from harness.bar import Bar, Options, at_least, at_most
from harness.serving import Server, Setting, built

_ROUNDS = 3
_CAPACITY_S = 8.0
_OVERLOAD_S = 60.0
_SOAK_S = 600.0
_SAMPLES = 10  # stretches of the soak, at whose ends memory is looked at
_CONNECTIONS = 256  # enough that the next request always has a free one
_BODY_LIMIT = 4 << 20
_PAUSE_S = 0.2  # between rounds of bad requests
_BOMB = gzip.compress(b" " * (64 << 20), 9)


def measure(options: Options) -> list[Bar]:
    """Requests begin at fixed times whatever the server does."""
    return judge(built(options))


def judge(
    setting: Setting, capacity_s: float = _CAPACITY_S, overload_s: float = _OVERLOAD_S, soak_s: float = _SOAK_S
) -> list[Bar]:
    """One server stands all of it. The overloads stand between measurements of the capacity, and each is held to those
    on both sides of it: a machine that becomes slower or faster does so for both."""
    with setting.serving("--threads=1", f"--max_body_bytes={_BODY_LIMIT}") as server:
        server.load(16, capacity_s / 4)
        capacities, overloads = [_capacity(server, capacity_s)], []
        for _ in range(_ROUNDS):
            overloads.append(server.load(_CONNECTIONS, overload_s, 1.5 * capacities[-1]))
            capacities.append(_capacity(server, capacity_s))
        bars = overload_bars(capacities, overloads, overload_s)
        rate = 0.7 * statistics.median(capacities)
        return bars + soak_bars(*_soak(server, soak_s, rate), f"{soak_s:g} s at 0.7 of the capacity")


def overload_bars(capacities: Sequence[float], overloads: Sequence[Mapping[str, Any]], seconds: float) -> list[Bar]:
    """What came of overloads, each between two measurements of the capacity in requests a second; see
    serving/load.py."""
    rates = [each["rate"] for each in overloads]
    ratio = statistics.median(goodput(capacities, rates))
    refused = sum(each["codes"].get("503", 0) for each in overloads)
    wrong = sum(map(_wrong, overloads))
    how = (
        f"capacity {_listed(capacities)}/s, between them {seconds:g} s at 1.5 of it, each: {_listed(rates)}/s, "
        f"p50 {_listed([each['p50_ms'] for each in overloads])} ms, "
        f"p99 {_listed([each['p99_ms'] for each in overloads])} ms, {refused} refused; the median of the ratios"
    )
    codes = sum((Counter(each["codes"]) for each in overloads), Counter[str]())
    return [
        at_least("goodput at 150 %", ratio, 0.9, "of capacity", how),
        at_most("overload: neither answered nor 503 with Retry-After", wrong, 0, "requests", _told(codes)),
    ]


def goodput(capacities: Sequence[float], rates: Sequence[float]) -> list[float]:
    """The rate of each overload over the mean of the capacities before and after it."""
    beside = itertools.pairwise(capacities)
    return [rate / statistics.mean(pair) for rate, pair in zip(rates, beside, strict=True)]


def soak_bars(good: Mapping[str, Any], bad: Counter[str], memory: Sequence[int], how: str) -> list[Bar]:
    """What came of a soak.

    Args:
      good: of the load; see serving/load.py.
      bad: the bad requests, by `as wanted` and what else came of them.
      memory: resident bytes from the soak's start to its end, at the same distances.
      how: what was done.
    """
    sent = bad.total()
    grown = [(memory[-1] - before) / 1e6 for before in memory]
    wrong = _wrong(good) + sent - bad["as wanted"]
    codes = f"{_told(good['codes'])}; bad ones: {_told(bad)}"
    told = f"{how} with {sent} bad requests: {', '.join(f'{size / 1e6:.0f}' for size in memory)} MB"
    return [
        at_most("soak: neither answered nor refused rightly", wrong, 0, "requests", codes),
        at_most("soak: memory, for 100 bad requests", max(grown[0], 0) / (sent / 100), 1, "MB", told),
        # What grows after everything has been seen grows for ever.
        at_most("soak: memory gained after its first tenth", max(grown[1], 0), 8, "MB", told),
    ]


def _capacity(server: Server, seconds: float) -> float:
    """What 16 clients get that ask again as soon as they are answered, in requests a second."""
    rate: float = server.load(16, seconds)["rate"]
    return rate


def _soak(server: Server, seconds: float, rate: float) -> tuple[dict[str, Any], Counter[str], list[int]]:
    """Good requests at a rate, and beside them bad ones of every kind again and again."""
    bad: Counter[str] = Counter()
    with ThreadPoolExecutor(1) as pool:
        _bad_requests(server)
        memory = [server.resident()]
        start = time.monotonic()
        good = pool.submit(server.load, _CONNECTIONS, seconds, rate)
        for number in range(_SAMPLES):
            until = start + seconds * (number + 1) / _SAMPLES
            while time.monotonic() < until:
                bad += _bad_requests(server)
                time.sleep(_PAUSE_S)
            memory.append(server.resident())
        return good.result(), bad, memory


def _bad_requests(server: Server) -> Counter[str]:
    """Sends one of each kind, and returns how many got what they had to get, and what else came of the others."""
    bodies: list[tuple[bytes, dict[str, str], int]] = [
        (b"{", {}, 400),
        (b"[" * 100_000, {}, 400),
        (b"[" + b"[]," * 50_000 + b"[]]", {}, 400),
        (
            json.dumps({"inputs": [{"name": "image", "datatype": "FP32", "shape": [1, 1], "data": [1]}]}).encode(),
            {},
            400,
        ),
        (b"\xff" * 1000, {}, 400),
        (b" " * (_BODY_LIMIT + 1), {}, 413),
        (_BOMB, {"Content-Encoding": "gzip"}, 413),
    ]
    found: Counter[str] = Counter()
    for body, headers, wanted in bodies:
        try:
            status = server.ask("POST", "/v2/models/m/infer", body, headers)
        except (OSError, http.client.HTTPException) as error:
            found[f"{body[:10]!r}: {error}"] += 1
        else:
            found["as wanted" if status in (wanted, 503) else f"{body[:10]!r}: {status}"] += 1
    try:
        # A client that goes in the middle of inference.
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            connection.sendall(server.setting.request().read_bytes())
    except OSError as error:
        found[f"leaving: {error}"] += 1
    else:
        found["as wanted"] += 1
    return found


def _wrong(load: Mapping[str, Any]) -> int:
    """How many requests were neither answered nor refused as they should be."""
    answered = load["codes"].get("200", 0) + load["codes"].get("503", 0)
    found: int = sum(load["codes"].values()) - answered + load["503_without_retry_after"] + load["not_sent"]
    return found


def _told(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{key}: {count}" for key, count in counts.items())


def _listed(values: Sequence[float | None]) -> str:
    return ", ".join("none" if value is None else f"{value:.0f}" for value in values)
