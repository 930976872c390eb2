"""Bodies, headers, connections and the queue have bounds, and who crosses one is told so."""

from __future__ import annotations

import gzip
import json
import socket
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import harness
import pytest
from harness import SLOW, Server, asleep, serving, tensor

LIMIT = 1 << 20
PATH = "/v2/models/m/infer"
GOOD = json.dumps({"inputs": [tensor("x", "FP32", [1, 4], [1, 2, 3, 4])]}).encode()


def padded(size: int) -> bytes:
    """A good request of exactly `size` bytes."""
    return GOOD + b" " * (size - len(GOOD))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return harness.double(tmp_path_factory.mktemp("double"))


@pytest.fixture(scope="module")
def server(model: Path) -> Iterator[Server]:
    flags = ("--header_timeout_s=1", "--body_timeout_s=60", "--idle_timeout_s=2", "--max_connections=50")
    with serving(model, f"--max_body_bytes={LIMIT}", *flags) as running:
        yield running


@pytest.fixture(autouse=True)
def still_healthy(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "server" in request.fixturenames:
        server: Server = request.getfixturevalue("server")
        assert server.healthy()
        assert server.infer(GOOD).status == 200


def read_answer(connection: socket.socket) -> tuple[int, bytes]:
    """Reads one answer, and returns its status and body."""
    file = connection.makefile("rb")
    status = int(file.readline().split()[1])
    length = 0
    while (line := file.readline().strip().lower()) != b"":
        if line.startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return status, file.read(length)


@pytest.mark.parametrize("encoding", ["", "gzip", "deflate"])
@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(("over", "status"), [(0, 200), (1, 413)])
def test_a_body_at_the_limit_and_one_over(server: Server, encoding: str, chunked: bool, over: int, status: int) -> None:
    body = padded(LIMIT + over)
    headers = {}
    if encoding:
        headers["Content-Encoding"] = encoding
        body = gzip.compress(body) if encoding == "gzip" else zlib.compress(body)
    if not chunked:
        assert server.infer(body, headers).status == status
        return
    with server.connect() as connection:
        lines = [f"POST {PATH} HTTP/1.1", "Host: m", "Transfer-Encoding: chunked"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        for start in range(0, len(body), 50_000):
            chunk = body[start : start + 50_000]
            connection.sendall(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        connection.sendall(b"0\r\n\r\n")
        assert read_answer(connection)[0] == status


def test_the_connection_goes_on_after_a_body_that_is_too_large(server: Server) -> None:
    with server.connect() as connection:
        for body, status in ((padded(LIMIT * 3), 413), (GOOD, 200)):
            connection.sendall(
                b"POST %s HTTP/1.1\r\nHost: m\r\nContent-Length: %d\r\n\r\n" % (PATH.encode(), len(body))
            )
            connection.sendall(body)
            assert read_answer(connection)[0] == status


def test_a_declared_length_is_enough_to_refuse(server: Server) -> None:
    with server.connect() as connection:
        head = b"POST %s HTTP/1.1\r\nHost: m\r\nExpect: 100-continue\r\nContent-Length: 99999999999\r\n\r\n"
        connection.sendall(head % PATH.encode())
        assert read_answer(connection)[0] == 413
    answer = server.infer(GOOD, {"Content-Length": "9" * 18})
    assert answer.status == 413


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (gzip.compress(b" " * (200 << 20), 9), 413),
        (gzip.compress(GOOD) * 2, 400),
        (gzip.compress(GOOD) + b"more", 400),
        (gzip.compress(GOOD)[:-4], 400),
        (gzip.compress(GOOD)[:-8] + b"\0" * 8, 400),
        (GOOD, 400),
        (b"", 400),
    ],
    ids=["a bomb", "two members", "a rest", "cut", "a wrong checksum", "no gzip", "empty"],
)
def test_gzip_that_is_none(server: Server, body: bytes, status: int) -> None:
    before = server.resident_bytes(peak=True)
    assert server.infer(body, {"Content-Encoding": "gzip"}).status == status
    assert server.resident_bytes(peak=True) - before < 16 << 20


def test_an_encoding_that_is_not_known(server: Server) -> None:
    answer = server.infer(GOOD, {"Content-Encoding": "br"})
    assert (answer.status, answer.headers["accept-encoding"]) == (415, "gzip, deflate")
    assert server.infer(GOOD, {"Content-Encoding": "gzip, gzip"}).status == 415
    assert server.infer(GOOD, {"Content-Encoding": "identity"}).status == 200


def test_a_million_chunks_of_one_byte(server: Server) -> None:
    """In time, though each chunk has six bytes on the wire; and health answers meanwhile."""
    body = padded(1_000_000)
    head = b"POST %s HTTP/1.1\r\nHost: m\r\nTransfer-Encoding: chunked\r\n\r\n" % PATH.encode()
    wire = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    with server.connect() as connection, ThreadPoolExecutor(1) as pool:
        sent = pool.submit(connection.sendall, head + wire)
        assert server.healthy()
        assert read_answer(connection)[0] == 200
        sent.result()


def test_slow_headers(server: Server) -> None:
    start = time.monotonic()
    with server.connect() as connection:
        connection.sendall(b"GET /v2/health/live HTTP/1.1\r\n")
        for _ in range(20):
            try:
                connection.sendall(b"A: b\r\n")
            except OSError:
                break
            time.sleep(0.1)
        assert time.monotonic() - start < 5
        assert read_answer(connection)[0] == 408
        assert connection.recv(1) == b""


def test_a_connection_that_says_nothing_is_closed(server: Server) -> None:
    with server.connect() as connection:
        assert connection.recv(1) == b""


def test_an_idle_connection_is_closed(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: m\r\n\r\n")
        assert read_answer(connection)[0] == 200
        assert connection.recv(1) == b""


def test_a_slow_body(model: Path) -> None:
    with serving(model, "--body_timeout_s=0.5") as server, server.connect() as connection:
        connection.sendall(b"POST %s HTTP/1.1\r\nHost: m\r\nContent-Length: 100\r\n\r\n{" % PATH.encode())
        assert read_answer(connection)[0] == 408
        assert connection.recv(1) == b""


@pytest.mark.parametrize(
    "endless",
    [b"A: " + b"b" * (1 << 20), b"A: b\r\n" * 200_000, b"Host: m\r\n\r\n"],
    ids=["one long header", "many headers", "trailers"],
)
def test_endless_headers(server: Server, endless: bytes) -> None:
    with server.connect() as connection:
        head = b"POST %s HTTP/1.1\r\n" % PATH.encode()
        if endless.startswith(b"Host"):
            head += b"Transfer-Encoding: chunked\r\n" + endless + b"1\r\n{\r\n0\r\n"
            endless = b"A: b\r\n" * 200_000
        try:
            connection.sendall(head + endless)
            assert read_answer(connection)[0] == 431
        except (ConnectionError, IndexError):
            pass  # closed while we wrote: the answer is lost with what we sent
    assert server.resident_bytes() < 200 << 20


def test_too_many_connections(server: Server) -> None:
    connections = [server.connect() for _ in range(50)]
    try:
        time.sleep(0.2)
        with server.connect() as one_more:
            status, body = read_answer(one_more)
            assert (status, b"connections" in body) == (503, True)
    finally:
        for connection in connections:
            connection.close()
    time.sleep(0.2)


def test_pipelined_requests_are_answered_in_order(server: Server) -> None:
    one = b"POST %s HTTP/1.1\r\nHost: m\r\nContent-Length: %d\r\n\r\n%s" % (PATH.encode(), len(GOOD), GOOD)
    bad = b"POST %s HTTP/1.1\r\nHost: m\r\nContent-Length: 2\r\n\r\n[]" % PATH.encode()
    with server.connect() as connection:
        connection.sendall((one + bad) * 100)
        file = connection.makefile("rb")
        statuses = []
        for _ in range(200):
            statuses.append(int(file.readline().split()[1]))
            length = 0
            while (line := file.readline().strip()) != b"":
                if line.startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            file.read(length)
    assert statuses == [200, 400] * 100


def test_bytes_held_for_all(model: Path) -> None:
    """Bodies that come in at once may hold no more than they may hold together."""
    with serving(model, "--max_body_bytes=1000000", "--max_pending_bytes=1500000") as server:
        with server.connect() as first, server.connect() as second:
            for connection in (first, second):
                connection.sendall(b"POST %s HTTP/1.1\r\nHost: m\r\nContent-Length: 900000\r\n\r\n" % PATH.encode())
            first.sendall(padded(800_000))
            time.sleep(0.3)
            second.sendall(padded(800_000))
            assert read_answer(second)[0] == 503
            first.sendall(b" " * 100_000)
            assert read_answer(first)[0] == 200
        assert server.infer(padded(900_000)).status == 200


def test_the_queue_is_full(tmp_path: Path) -> None:
    with serving(harness.slow(tmp_path), *SLOW, "--queue=2") as server, ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(server.infer, asleep(0.8))]
        time.sleep(0.3)
        asked += [pool.submit(server.infer, asleep(0.01)) for _ in range(2)]
        time.sleep(0.3)
        start = time.monotonic()
        refused = server.infer(asleep(0.01))
        assert time.monotonic() - start < 0.2
        assert refused.status == 503
        assert int(refused.headers["retry-after"]) >= 1
        assert "queue is full" in refused.json()["error"]
        assert server.healthy()
        assert [each.result().status for each in asked] == [200] * 3
        assert server.infer(asleep(0.01)).status == 200


def test_clients_that_leave(tmp_path: Path) -> None:
    """In the middle of inference: the server goes on. In the queue: what they wanted is not run."""
    body = json.dumps(asleep(0.5)).encode()
    wire = b"POST %s HTTP/1.1\r\nHost: m\r\nContent-Length: %d\r\n\r\n%s" % (PATH.encode(), len(body), body)
    with serving(harness.slow(tmp_path), *SLOW) as server:
        for _ in range(10):
            with server.connect() as connection:
                connection.sendall(wire)
                time.sleep(0.03)
        start = time.monotonic()
        assert server.infer(asleep(0.01)).status == 200
        assert time.monotonic() - start < 2  # not ten times half a second
        metrics = server.ask("GET", "/metrics").body.decode()
        assert 'lepton_requests_total{code="499"} 10.0' in metrics
        assert server.healthy()


def test_bad_requests_take_no_memory(model: Path) -> None:
    """At most 1 MB for a hundred of them, of every kind."""
    nested, wide = b"[" * 100_000, b"[" + b"[]," * 100_000 + b"[]]"
    bomb = gzip.compress(b" " * (8 << 20))
    with serving(model, "--max_body_bytes=1000000") as server:

        def round_of_requests() -> None:
            for _ in range(10):
                assert server.infer(nested).status == 400
                assert server.infer(wide).status == 400
                assert server.infer(bomb, {"Content-Encoding": "gzip"}).status == 413
                assert server.infer(b"{" * 1000).status == 400
                assert server.infer({"inputs": [tensor("x", "FP32", [1, 4], ["a" * 10_000] * 4)]}).status == 400

        round_of_requests()
        before = server.resident_bytes()
        for _ in range(4):
            round_of_requests()
        assert server.resident_bytes() - before < 2 << 20


def test_threads_do_not_grow(server: Server) -> None:
    before = threading_count(server)
    with ThreadPoolExecutor(16) as pool:
        assert {answer.status for answer in pool.map(lambda _: server.infer(GOOD), range(200))} == {200}
    assert threading_count(server) == before


def threading_count(server: Server) -> int:
    return len(list(Path(f"/proc/{server.process.pid}/task").iterdir()))
