"""A client that costs little: one thread, ready-made requests, no HTTP library. Prints JSON.

usage: load.py PORT REQUEST_FILE CONNECTIONS SECONDS [RATE]

Without a rate each connection asks again as soon as it is answered. With one, requests begin at fixed times whatever
the server does, and latency counts from the time at which a request should have begun: a server that stalls is not
spared those that it kept from being sent.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time
from collections import Counter, deque
from pathlib import Path


class Connection:
    """A connection with at most one request on it."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.begun = 0.0

    def send(self, request: bytes, begun: float) -> None:
        """Sends the request, whole."""
        self.begun = begun
        self.received = b""
        self.socket.sendall(request)

    def read(self) -> tuple[int, bytes] | None:
        """Returns the answer's status and headers once it is whole."""
        data = self.socket.recv(1 << 16)
        if not data:
            raise ConnectionError("the server closed the connection")
        self.received += data
        end = self.received.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = self.received[:end].lower()
        at = head.find(b"content-length: ") + 16
        stop = head.find(b"\r", at)
        length = int(head[at : stop if stop > 0 else end])
        if len(self.received) < end + 4 + length:
            return None
        return int(head[9:12]), head


def main(port: int, request: bytes, count: int, seconds: float, rate: float) -> dict[str, object]:
    """Asks for `seconds`, and returns what came of it."""
    poll = select.epoll()
    connections: dict[int, Connection] = {}
    for _ in range(count):
        connection = Connection(port)
        connections[connection.socket.fileno()] = connection
        poll.register(connection.socket.fileno(), select.EPOLLIN)
    idle = deque(connections.values())
    late: deque[float] = deque()
    times: list[float] = []
    codes: Counter[int] = Counter()
    without_retry = 0
    start = time.perf_counter()
    end = start + seconds
    due = start
    while True:
        now = time.perf_counter()
        if now < end:
            if rate:
                while due <= now:
                    late.append(due)
                    due += 1 / rate
                while late and idle:
                    idle.popleft().send(request, late.popleft())
            else:
                while idle:
                    idle.popleft().send(request, now)
        elif len(idle) == count:
            break
        elif now > end + 30:
            raise TimeoutError("the server does not answer")
        timeout = max(due - time.perf_counter(), 0) if rate and idle and now < end else 0.1
        for number, _ in poll.poll(timeout):
            connection = connections[number]
            answer = connection.read()
            if answer is None:
                continue
            done = time.perf_counter()
            status, head = answer
            codes[status] += 1
            if status == 503 and b"retry-after:" not in head:
                without_retry += 1
            if status == 200 and done <= end:
                times.append(done - connection.begun)
            idle.append(connection)
    times.sort()
    return {
        "seconds": seconds,
        "answered": len(times),
        "rate": len(times) / seconds,
        "codes": codes,
        "not_sent": len(late),
        "503_without_retry_after": without_retry,
        "p50_ms": 1000 * times[len(times) // 2] if times else None,
        "p99_ms": 1000 * times[int(len(times) * 0.99)] if times else None,
        "client_cpu_s": time.process_time(),
    }


if __name__ == "__main__":
    port, path, count, seconds, *rate = sys.argv[1:]
    found = main(int(port), Path(path).read_bytes(), int(count), float(seconds), float(rate[0]) if rate else 0)
    print(json.dumps(found))
