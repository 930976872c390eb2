"""A registry in this process: it speaks the distribution specification, asks for logins, and fails on demand."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import socket
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

USER, PASSWORD, TOKEN = "maya", "pass:word", "token-of-an-hour"


@dataclass
class State:
    """What the registry holds and how it behaves.

    Attributes:
      failures: how many requests of a method are answered 503 before one is served.
      answers: what is answered instead, by method and `blobs`, `manifests` or `manifests/REFERENCE`.
      cut_after: how many blobs arrive whole. Of the next ones half of the bytes are read, and the connection is cut.
    """

    auth: str = ""
    failures: dict[str, int] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, bytes] = field(default_factory=dict)
    log: list[tuple[str, str]] = field(default_factory=list)
    answers: dict[tuple[str, str], tuple[int, bytes]] = field(default_factory=dict)
    corrupt: bool = False
    cut_after: float = math.inf
    host: str = ""


class _Handler(BaseHTTPRequestHandler):
    state: State

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _handle(self) -> None:
        state, url = self.state, urllib.parse.urlsplit(self.path)
        size = int(self.headers.get("Content-Length") or 0)
        state.log.append((self.command, self.path))
        if self.command == "PUT" and "/blobs/" in url.path and len(state.blobs) >= state.cut_after:
            return self._cut(size // 2)
        body = self.rfile.read(size)
        if url.path == "/token":
            return self._token(url)
        if not self._allowed():
            challenge = 'Basic realm="r"'
            if state.auth == "bearer":
                challenge = f'Bearer realm="http://{state.host}/token",service="s",scope="repository:team/m:pull,push"'
            return self._answer(401, b'{"errors":[{"code":"UNAUTHORIZED","message":"no"}]}', WWW_Authenticate=challenge)
        if state.failures.get(self.command, 0):
            state.failures[self.command] -= 1
            return self._answer(503)
        what = url.path.rpartition("/v2/team/m/")[2]
        for name in (what, what.partition("/")[0]):
            if (self.command, name) in state.answers:
                return self._answer(*state.answers[self.command, name])
        rest = url.path.removeprefix("/v2/team/m/")
        if rest == url.path:
            return self._answer(404, b'{"errors":[{"code":"NAME_UNKNOWN","message":"repository not known"}]}')
        return self._repository(rest, url, body)

    def _cut(self, size: int) -> None:
        self.rfile.read(size)
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    do_GET = do_HEAD = do_POST = do_PUT = _handle

    def _allowed(self) -> bool:
        given = self.headers.get("Authorization", "")
        if self.state.auth == "basic":
            return given == "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        return self.state.auth != "bearer" or given == f"Bearer {TOKEN}"

    def _token(self, url: urllib.parse.SplitResult) -> None:
        given = self.headers.get("Authorization", "")
        if given != "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode():
            return self._answer(401)
        assert urllib.parse.parse_qs(url.query)["scope"] == ["repository:team/m:pull,push"]
        return self._answer(200, json.dumps({"token": TOKEN}).encode())

    def _repository(self, rest: str, url: urllib.parse.SplitResult, body: bytes) -> None:
        state = self.state
        kind, _, reference = rest.partition("/")
        if kind == "blobs" and self.command == "HEAD":
            return self._answer(200 if reference in state.blobs else 404)
        if kind == "blobs" and self.command == "POST":
            return self._answer(202, Location="/v2/team/m/blobs/uploads/7?state=x")
        if kind == "blobs" and self.command == "PUT":
            digest = urllib.parse.parse_qs(url.query)["digest"][0]
            if state.corrupt or digest != f"sha256:{hashlib.sha256(body).hexdigest()}":
                return self._answer(400, b'{"errors":[{"code":"DIGEST_INVALID","message":"not what it says"}]}')
            state.blobs[digest] = body
            return self._answer(201)
        if kind == "manifests" and self.command == "PUT":
            value = json.loads(body)
            needed = [value["config"], *value["layers"]] if "layers" in value else []
            known = all(d["digest"] in state.blobs for d in needed)
            if not known or not all(m["digest"] in state.manifests for m in value.get("manifests", [])):
                return self._answer(400, b'{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"a hole"}]}')
            state.manifests[reference] = body
            return self._answer(201)
        if kind == "manifests" and self.command == "HEAD":
            found = state.manifests.get(reference)
            return self._answer(200 if found else 404)
        return self._answer(405)


@contextmanager
def registry(**state: Any) -> Iterator[State]:
    """Runs a registry on the loopback while the context lasts."""
    held = State(**state)
    handler = type("Handler", (_Handler,), {"state": held})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    held.host = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield held
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
