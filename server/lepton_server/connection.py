"""uvicorn's HTTP protocol with limits that it has not: time for headers, bytes that are no body, connections.

The parser is llhttp's (httptools); nothing here reads HTTP.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

_MAX_HEADER_BYTES = 64 << 10
_FRAMING = 16  # bytes of a chunk's frame for one of its body: a body in chunks of one byte passes
_DISCARD_S = 5.0  # how long what remains of a refused body is read, so that the client sees the answer


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What connections share.

    Args:
        max_connections: open at once; others are told 503.
        header_timeout_s: from the first byte of a request, or the connection's start, to the end of its headers.
    """

    max_connections: int
    header_timeout_s: float


class BoundedProtocol(HttpToolsProtocol):
    """One connection. Sets `lepton.transfer` in each request's scope: see `app.Transfer`."""

    limits: Limits

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._deadline: asyncio.TimerHandle | None = None
        self._overhead = 0  # bytes of this request that are no body
        self._body_bytes = 0
        self._in_headers = False
        self._in_message = False

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) > self.limits.max_connections:
            self._refuse(b"503 Service Unavailable", b"too many connections are open", b"retry-after: 1\r\n")
            return
        self._arm(self.limits.header_timeout_s)

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self._deadline is None and not self._in_message:
            self._arm(self.limits.header_timeout_s)
        self._overhead += len(data)
        super().data_received(data)
        if self._overhead > _MAX_HEADER_BYTES + _FRAMING * self._body_bytes and not self.transport.is_closing():
            self._refuse(b"431 Request Header Fields Too Large", b"headers or trailers are too large")

    def on_message_begin(self) -> None:
        self._in_message = self._in_headers = True
        self._overhead = self._body_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_headers = False
        self._disarm()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._overhead -= len(body)
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_message = False
        self._overhead = self._body_bytes = 0
        self._disarm()
        super().on_message_complete()
        if self.cycle.response_complete and self.timeout_keep_alive_task is None:
            # The answer went out before the request was read, and the wait for the next one begins only now.
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._in_message and not self._in_headers and not self.pipeline:
            self._arm(_DISCARD_S)

    def send_400_response(self, msg: str) -> None:
        """Refuses what is no HTTP."""
        self._refuse(b"400 Bad Request", b"this is no HTTP request")

    def timeout_keep_alive_handler(self) -> None:
        """Closes an idle connection; one whose client does not read its answer, at once."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        cycle.scope["lepton.transfer"] = cycle  # type: ignore[typeddict-unknown-key]
        super()._start_asgi_task(cycle, app)

    def _arm(self, seconds: float) -> None:
        self._disarm()
        self._deadline = self.loop.call_later(seconds, self._late)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _late(self) -> None:
        self._deadline = None
        if self._in_headers:
            self._refuse(b"408 Request Timeout", b"the headers did not come in time")
        else:
            self.transport.close()

    def _refuse(self, status: bytes, why: bytes, headers: bytes = b"") -> None:
        """Closes the connection; says why, where no answer to an earlier request is on its way."""
        in_body = self._in_message and not self._in_headers and not self.pipeline
        if self.cycle is None or self.cycle.response_complete or (in_body and not self.cycle.response_started):
            body = b'{"error":"%s"}' % why
            self.transport.write(
                b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n%sconnection: close\r\n\r\n%s"
                % (status, len(body), headers, body)
            )
        self.transport.close()
