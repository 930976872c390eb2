"""A server that answers whatever it is told to, byte for byte: no server that is well does these things."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

# What is done with a connection whose request was read, path first.
Behaviour = Callable[[socket.socket, str], None]


def answer(body: bytes | dict[str, Any], status: str = "200 OK", headers: str = "") -> bytes:
    """An answer of HTTP."""
    content = json.dumps(body).encode() if isinstance(body, dict) else body
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(content)}\r\n{headers}\r\n".encode() + content


@contextmanager
def misbehaving(behave: Behaviour) -> Iterator[str]:
    """The address of a server that reads each request and then behaves so."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=_converse, args=(connection, behave), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        # close() alone leaves accept() waiting.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _converse(connection: socket.socket, behave: Behaviour) -> None:
    with connection, connection.makefile("rb") as stream:
        try:
            while line := stream.readline():
                length = 0
                while (header := stream.readline()).strip():
                    name, _, value = header.partition(b":")
                    length = int(value) if name.lower() == b"content-length" else length
                stream.read(length)
                behave(connection, line.split()[1].decode())
        except OSError:
            return


def slowly(connection: socket.socket, _: str) -> None:
    """A byte every fifth of a second."""
    for byte in answer(b"x" * 1000):
        connection.sendall(bytes([byte]))
        time.sleep(0.2)
