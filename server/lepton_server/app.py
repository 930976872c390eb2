"""The server's paths, as an ASGI application."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any, Protocol

from lepton_server import __version__, compression
from lepton_server.errors import RequestError, overloaded, shown
from lepton_server.logs import LOGGER
from lepton_server.options import Options
from lepton_server.state import State

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

EXTENSIONS = ["binary_tensor_data", "model_configuration"]
_JSON = "application/json"


_NO_TIMEOUT = contextlib.nullcontext()


class _Gone(Exception):
    """The client closed the connection."""


class App:
    """Answers one request at a time of many: health, metadata, metrics, inference.

    Args:
        options: with the limits filled in.
        state: where the server is in its life.
    """

    def __init__(self, options: Options, state: State) -> None:
        self._options = options
        self._state = state
        model = "/v2/models/" + options.name
        versioned = f"{model}/versions/{options.version}"
        self._paths: dict[str, tuple[str, Callable[[Scope, Receive, Send], Awaitable[None]]]] = {
            "/v2": ("GET", self._server),
            "/v2/health/live": ("GET", self._live),
            "/v2/health/ready": ("GET", self._ready),
            "/metrics": ("GET", self._metrics),
        }
        for base in (model, versioned):
            self._paths[base] = ("GET", self._model)
            self._paths[base + "/ready"] = ("GET", self._ready)
            self._paths[base + "/config"] = ("GET", self._config)
            self._paths[base + "/infer"] = ("POST", self._infer)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._route(scope, receive, send)
        except RequestError as error:
            await _answer_error(send, error)
        except _Gone:
            return
        except asyncio.CancelledError:  # the drain's end
            self._state.abandoned += 1
            await _answer_error(send, RequestError(503, "the server has ended"))
        except Exception:
            LOGGER.exception("request failed")
            await _answer_error(send, RequestError(500, "the server failed; its log says why"))

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if len(path) > 1 and path.endswith("/"):
            path = path[:-1]
        try:
            method, handler = self._paths[path]
        except KeyError:
            raise self._unknown(path) from None
        if scope["method"] != method and (scope["method"], method) != ("HEAD", "GET"):
            raise RequestError(405, f"{path} takes {method}", {"allow": method if method == "POST" else "GET, HEAD"})
        await handler(scope, receive, send)

    def _unknown(self, path: str) -> RequestError:
        parts = path.split("/")
        if parts[1:3] == ["v2", "models"] and len(parts) > 3:
            if parts[3] != self._options.name:
                return RequestError(404, f"there is no model {shown(parts[3])}, here is {self._options.name!r}")
            if parts[4:5] == ["versions"] and parts[5:6] != [self._options.version]:
                version = shown(parts[5]) if len(parts) > 5 else "''"
                return RequestError(
                    404, f"model {self._options.name!r} has no version {version}, here is {self._options.version!r}"
                )
        return RequestError(404, f"there is nothing at {shown(path)}")

    async def _server(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _answer_json(send, {"name": "lepton_server", "version": __version__, "extensions": EXTENSIONS})

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _answer_json(send, {"live": True})

    async def _ready(self, scope: Scope, receive: Receive, send: Send) -> None:
        ready = self._state.ready
        answer: dict[str, Any] = {"ready": ready}
        if scope["path"].startswith("/v2/models/"):
            answer["name"] = self._options.name
        await _answer_json(send, answer, 200 if ready else 503)

    async def _model(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _answer_json(send, self._state.serving().signature.metadata())

    async def _config(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _answer_json(send, self._state.serving().signature.config(self._options.max_batch))

    async def _metrics(self, scope: Scope, receive: Receive, send: Send) -> None:
        text, kind = self._state.metrics.exposition()
        await _answer(send, 200, text, [("content-type", kind)])

    async def _infer(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = time.perf_counter()
        code = 499
        ids: list[str] = []
        try:
            code = await self._answer_inference(scope, receive, send, ids)
        except RequestError as error:
            code = error.status
            raise
        except _Gone:
            raise
        except Exception:
            code = 500
            raise
        finally:
            self._state.answered(code, time.perf_counter() - start, "".join(ids))

    async def _answer_inference(self, scope: Scope, receive: Receive, send: Send, ids: list[str]) -> int:
        """Returns the answer's status; `ids` gets the request's id once it is known."""
        from lepton_server import http_codec  # with numpy, which is not imported before the server listens

        service = self._state.serving()
        service.admit()
        transfer: Transfer = scope.get("lepton.transfer", _Whole)
        headers = _headers(scope["headers"])
        json_length = _length(headers, "inference-header-content-length")
        held = 0
        try:
            body = await self._body(headers, receive, transfer)
            held = len(body)
            body = compression.decompress(body, headers.get("content-encoding", ""), self._options.max_body_bytes)
            self._state.pending_bytes += len(body) - held
            held = len(body)
            inference = http_codec.decode(body, json_length, service.signature)
            ids.append(inference.id)
            results = await service.infer(inference.inputs, lambda: transfer.disconnected)
        finally:
            self._state.pending_bytes -= held
        if transfer.disconnected:
            raise _Gone
        answer, answer_json_length = http_codec.encode(inference, results, service.signature)
        fields = [("content-type", _JSON if answer_json_length is None else "application/octet-stream")]
        if answer_json_length is not None:
            fields.append(("inference-header-content-length", str(answer_json_length)))
        answer, encoding = compression.compress(answer, headers.get("accept-encoding", ""))
        if encoding:
            fields.append(("content-encoding", encoding))
        if self._state.draining:
            fields.append(("connection", "close"))
        await _answer(send, 200, answer, fields)
        return 200

    async def _body(self, headers: Mapping[str, str], receive: Receive, transfer: Transfer) -> bytes:
        """Returns the whole body, and counts its bytes among those that are held.

        Raises:
            RequestError: 413, it is too large; 408, it does not come in time; 503, too many bytes are held.
            _Gone: the client has gone.
        """
        limit = self._options.max_body_bytes
        declared = _length(headers, "content-length")
        if declared is not None and declared > limit:
            raise compression.too_large(limit)
        chunks: list[bytes] = []
        size = 0
        try:
            # A timer costs, and most bodies have come when their request is looked at.
            async with asyncio.timeout(self._options.body_timeout_s) if transfer.more_body else _NO_TIMEOUT:
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise _Gone
                    chunk = message.get("body", b"")
                    size += len(chunk)
                    self._state.pending_bytes += len(chunk)
                    if size > limit:
                        raise compression.too_large(limit)
                    if self._state.pending_bytes > self._options.max_pending_bytes:
                        raise overloaded(f"requests of more than {self._options.max_pending_bytes} bytes are held")
                    if chunk:
                        chunks.append(chunk)
                    if not message.get("more_body", False):
                        return chunks[0] if len(chunks) == 1 else b"".join(chunks)
        except TimeoutError:
            self._state.pending_bytes -= size
            why = f"the body did not come within {self._options.body_timeout_s:g} s"
            raise RequestError(408, why, {"connection": "close"}) from None
        except (RequestError, _Gone):
            self._state.pending_bytes -= size
            raise


class Transfer(Protocol):
    """What the connection knows of a request.

    Attributes:
        disconnected: whether the client has gone.
        more_body: whether more of the body is to come.
    """

    disconnected: bool
    more_body: bool


class _Whole:
    """Of a request that comes by no connection of ours."""

    disconnected = False
    more_body = True


def _headers(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Returns the headers by lower case name; the last of a name holds."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in pairs}


def _length(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise RequestError(400, f"the header {name} is {shown(text)}, accepted is a whole number from 0")
    return int(text)


async def _answer_json(send: Send, value: object, status: int = 200) -> None:
    await _answer(send, status, json.dumps(value, separators=(",", ":")).encode(), [("content-type", _JSON)])


async def _answer_error(send: Send, error: RequestError) -> None:
    body = json.dumps({"error": error.message}).encode()
    await _answer(send, error.status, body, [("content-type", _JSON), *error.headers.items()])


async def _answer(send: Send, status: int, body: bytes, headers: Iterable[tuple[str, str]]) -> None:
    fields = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    fields.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})
