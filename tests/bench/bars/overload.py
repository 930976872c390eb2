"""One and a half times what the server can do for a minute, then ten minutes of load with bad requests in it."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from pathlib import Path

from harness.bar import Bar, Options, at_least, at_most
from harness.serving import PORT, Server, Setting, built

_OVERLOAD_S = 60.0
_SOAK_S = 600.0
_BODY_LIMIT = 4 << 20


def measure(options: Options) -> list[Bar]:
    """Requests begin at fixed times whatever the server does."""
    return judge(built(options), _OVERLOAD_S, _SOAK_S)


def judge(setting: Setting, overload_s: float, soak_s: float) -> list[Bar]:
    """Capacity is what 16 clients get that ask again as soon as they are answered."""
    with setting.serving("--threads=1", f"--max_body_bytes={_BODY_LIMIT}") as server:
        setting.load(16, 2)
        capacity = setting.load(16, 8)["rate"]
        over = setting.load(256, overload_s, 1.5 * capacity)
        other = {code: count for code, count in over["codes"].items() if code not in ("200", "503")}
        wrong = sum(other.values()) + over["503_without_retry_after"] + over["not_sent"]
        _bad_requests(server, setting, 1)
        before = server.resident()
        found: dict[str, object] = {}
        soak = threading.Thread(target=lambda: found.update(setting.load(32, soak_s, 0.7 * capacity)))
        soak.start()
        sent = 0
        end = time.monotonic() + soak_s
        while time.monotonic() < end:
            sent += _bad_requests(server, setting, 1)
            time.sleep(0.2)
        soak.join()
        grown = (server.resident() - before) / 1e6
        how = (
            f"capacity {capacity:.0f}/s; asked {1.5 * capacity:.0f}/s for {overload_s:g} s: {over['rate']:.0f}/s, "
            f"p50 {over['p50_ms']:.0f} ms, p99 {over['p99_ms']:.0f} ms, {over['codes'].get('503', 0)} refused"
        )
        soaked = (
            f"{soak_s:g} s at 0.7 of the capacity ({found['codes']}) with {sent} bad requests: {grown:+.1f} MB, "
            f"then {server.resident() / 1e6:.0f} MB"
        )
    return [
        at_least("goodput at 150 %", over["rate"] / capacity, 0.9, "of capacity", how),
        at_most(
            "overload: neither answered nor 503 with Retry-After", wrong, 0, "requests", f"others: {other or 'none'}"
        ),
        at_most("memory, for 100 bad requests", max(grown, 0) / max(sent / 100, 1), 1, "MB", soaked),
    ]


def _bad_requests(server: Server, setting: Setting, rounds: int) -> int:
    """Sends one of each kind, and returns how many that were."""
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
    count = 0
    for _ in range(rounds):
        for body, headers, wanted in bodies:
            status = server.ask("POST", "/v2/models/m/infer", body, headers)
            if status not in (wanted, 503):
                raise AssertionError(f"{body[:20]!r} got {status}, not {wanted}")
            count += 1
        # A client that goes in the middle of inference.
        with socket.create_connection(("127.0.0.1", PORT)) as connection:
            connection.sendall(Path(setting.request()).read_bytes())
            count += 1
    return count


_BOMB = gzip.compress(b" " * (64 << 20), 9)
