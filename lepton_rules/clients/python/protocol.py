"""The Open Inference Protocol, version 2, over HTTP: tensors out, tensors back, failures by kind.

Part of a client that lepton_rules generated. It needs Python 3.10 and numpy. Tensors travel in the protocol's binary
extension where the server has it, and else as JSON. A client may be used by many threads: each request takes a
connection that is idle, or opens one.
"""

from __future__ import annotations

import functools
import http.client
import io
import json
import math
import socket
import ssl
import struct
import threading
import time
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Encoding = Literal["auto", "binary", "json"]
"""How tensors travel. `auto` asks the server once whether it takes binary tensors."""

_CHUNK = 1 << 20
_HEADER_LENGTH = "Inference-Header-Content-Length"
# OIP's names, and numpy's. A BF16 is its 16 bits: numpy has no such type.
_DTYPES: Mapping[str, str] = {
    "BOOL": "?",
    "INT8": "<i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "UINT8": "<u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "FP16": "<f2",
    "BF16": "<u2",
    "FP32": "<f4",
    "FP64": "<f8",
    "BYTES": "O",
}


class ClientError(Exception):
    """Whatever keeps an answer from coming; the base of all below."""


class InvalidTensor(ClientError, ValueError):
    """A tensor does not fit the model's signature. Nothing was sent."""


class Unreachable(ClientError):
    """There is no connection, or it broke."""


class TimedOut(ClientError):
    """The answer did not come in time."""


class UnexpectedAnswer(ClientError):
    """What came is no answer of the protocol, or does not fit the model's signature."""


class ModelMismatch(ClientError):
    """The server has another model than this client was made for."""


class ServerError(ClientError):
    """The server answered with an error.

    Attributes:
      status: the status of HTTP.
      message: what the server says is wrong.
      retry_after_s: when the server wants to be asked again, if it says so.
    """

    def __init__(self, status: int, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(f"{message} (status {status})")
        self.status = status
        self.message = message
        self.retry_after_s = retry_after_s


class Rejected(ServerError):
    """The request is wrong, and will be when it is sent again: status 4xx."""


class Overloaded(ServerError):
    """The server has no room, or is not ready: status 429 or 503. Ask again later."""


class ServerFault(ServerError):
    """The server failed: another status 5xx."""


@dataclass(frozen=True)
class TensorSpec:
    """One tensor of a signature. A dimension that is a name is known at run time: the same wherever the name stands."""

    name: str
    datatype: str
    shape: tuple[int | str, ...]

    @property
    def dtype(self) -> np.dtype[Any]:
        """numpy's type of its elements."""
        return np.dtype(_DTYPES[self.datatype])

    def __str__(self) -> str:
        return f"{self.datatype}[{', '.join(map(str, self.shape))}]"


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytearray


class Client:
    """What clients of all models share.

    Args:
      url: of the server, such as `http://localhost:8080`; a path in it comes before the protocol's.
      model_name: as the server calls the model.
      model_version: as the server calls the model's version; empty for the one that it chooses.
      timeout_s: how long a request may take, connecting included.
      encoding: how tensors travel.
      headers: further headers of each request, such as `{"Authorization": "Bearer …"}`.
      tls: for https; the default trusts what the system trusts.
    """

    _NAME: str
    _VERSION: str
    _DIGEST: str
    _INPUTS: tuple[TensorSpec, ...]
    _OUTPUTS: tuple[TensorSpec, ...]

    def __init__(
        self,
        url: str,
        *,
        model_name: str | None = None,
        model_version: str | None = None,
        timeout_s: float = 10.0,
        encoding: Encoding = "auto",
        headers: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is no address of a server; write it like http://localhost:8080")
        if encoding not in ("auto", "binary", "json"):
            raise ValueError(f"encoding is {encoding!r}; there are auto, binary and json")
        self._host, self._port = parts.hostname, parts.port
        self._tls = (tls or ssl.create_default_context()) if parts.scheme == "https" else None
        self._prefix = parts.path.rstrip("/") + "/v2"
        name = urllib.parse.quote(self._NAME if model_name is None else model_name, safe="")
        self._model = f"{self._prefix}/models/{name}"
        if version := self._VERSION if model_version is None else model_version:
            self._model += f"/versions/{urllib.parse.quote(version, safe='')}"
        self._timeout_s = timeout_s
        self._encoding = encoding
        self._headers = dict(headers or {})
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()
        self._closed = False

    def close(self) -> None:
        """Closes the connections that are idle; those in use are closed when their request ends."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def live(self, *, timeout_s: float | None = None) -> bool:
        """Whether the server runs. False where nothing answers."""
        return self._is(f"{self._prefix}/health/live", timeout_s)

    def ready(self, *, timeout_s: float | None = None) -> bool:
        """Whether the model answers requests. False where nothing answers."""
        return self._is(f"{self._model}/ready", timeout_s)

    def verify(self, *, require_digest: bool = True, timeout_s: float | None = None) -> None:
        """Makes sure that the server has the very model that this client was made for.

        Args:
          require_digest: whether a server that tells no digest of its model is refused; else its signature decides.

        Raises:
          ModelMismatch: a tensor's name, type or shape is another, or the digest is.
          ClientError: the server could not be asked.
        """
        metadata = _json(_succeeded(self._request("GET", self._model, [], {}, self._deadline(timeout_s))).body)
        for side, specs in (("inputs", self._INPUTS), ("outputs", self._OUTPUTS)):
            _compare(side, specs, metadata.get(side))
        properties = metadata.get("properties")
        digest = properties.get("digest") if isinstance(properties, dict) else None
        if digest is None and require_digest:
            raise ModelMismatch("the server tells no digest of its model; require_digest=False does without")
        if digest is not None and digest != self._DIGEST:
            raise ModelMismatch(f"the server's model is {digest}, and this client was made for {self._DIGEST}")

    def _infer(
        self, arrays: Mapping[str, np.ndarray[Any, Any]], timeout_s: float | None, request_id: str
    ) -> dict[str, np.ndarray[Any, Any]]:
        """Sends checked tensors, and gives the answer's, checked too."""
        deadline = self._deadline(timeout_s)
        symbols: dict[str, int] = {}
        for spec in self._INPUTS:
            _check(spec, arrays[spec.name], symbols)
        binary = self._binary(deadline)
        header: dict[str, Any] = {"id": request_id} if request_id else {}
        blobs: list[memoryview | bytes] = []
        header["inputs"] = [_encode(spec, arrays[spec.name], blobs if binary else None) for spec in self._INPUTS]
        header["outputs"] = [{"name": spec.name, "parameters": {"binary_data": binary}} for spec in self._OUTPUTS]
        text = json.dumps(header, separators=(",", ":"), allow_nan=False).encode()
        headers = {"Content-Type": "application/octet-stream" if binary else "application/json"}
        if binary:
            headers[_HEADER_LENGTH] = str(len(text))
        answer = _succeeded(self._request("POST", f"{self._model}/infer", [text, *blobs], headers, deadline))
        return _decode(answer, self._OUTPUTS, symbols)

    def _binary(self, deadline: float) -> bool:
        if self._encoding == "auto":
            about = _json(_succeeded(self._request("GET", self._prefix, [], {}, deadline)).body)
            extensions = about.get("extensions")
            known = isinstance(extensions, list) and "binary_tensor_data" in extensions
            self._encoding = "binary" if known else "json"
        return self._encoding == "binary"

    def _is(self, path: str, timeout_s: float | None) -> bool:
        try:
            return self._request("GET", path, [], {}, self._deadline(timeout_s)).status == 200
        except (Unreachable, TimedOut):
            return False

    def _deadline(self, timeout_s: float | None) -> float:
        return time.monotonic() + (self._timeout_s if timeout_s is None else timeout_s)

    def _request(
        self, method: str, path: str, parts: Sequence[memoryview | bytes], headers: Mapping[str, str], deadline: float
    ) -> _Answer:
        with self._lock:
            if self._closed:
                raise Unreachable("the client is closed")
            connection = self._idle.pop() if self._idle else None
        if connection is not None:
            # The server may have closed a connection that was idle. It has not answered then, and asking a model twice
            # does no harm.
            try:
                return self._exchange(connection, method, path, parts, headers, deadline)
            except Unreachable:
                pass
        return self._exchange(self._new(), method, path, parts, headers, deadline)

    def _new(self) -> http.client.HTTPConnection:
        if self._tls is not None:
            return http.client.HTTPSConnection(self._host, self._port, context=self._tls)
        return http.client.HTTPConnection(self._host, self._port)

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        parts: Sequence[memoryview | bytes],
        headers: Mapping[str, str],
        deadline: float,
    ) -> _Answer:
        kept = False
        try:
            _connect(connection, deadline)
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in {"Accept-Encoding": "identity", **self._headers, **headers}.items():
                connection.putheader(name, value)
            if parts:
                connection.putheader("Content-Length", str(sum(len(part) for part in parts)))
            connection.endheaders()
            try:
                for part in parts:
                    connection.send(part)
            except (BrokenPipeError, ConnectionResetError):
                # A server that refuses a body may say why without reading it to its end.
                pass
            connection.response_class = functools.partial(_Response, deadline=deadline)  # type: ignore[assignment]
            response = connection.getresponse()
            body = bytearray()
            while chunk := response.read(_CHUNK):
                body += chunk
            if response.length:
                raise http.client.IncompleteRead(b"", response.length)
            kept = not response.will_close
            return _Answer(response.status, response.headers, body)
        except TimeoutError as error:
            raise TimedOut(f"{method} {path} took too long") from error
        except http.client.IncompleteRead as error:
            raise Unreachable(f"{self._host} broke off its answer") from error
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"{self._host} cannot be reached ({error or type(error).__name__})") from error
        finally:
            with self._lock:
                kept = kept and not self._closed
                if kept:
                    self._idle.append(connection)
            if not kept:
                connection.close()


class _Bounded(io.RawIOBase):
    """What comes from a socket until a deadline: a socket's own limit is for each piece, however small."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._socket, self._deadline = sock, deadline
        # It keeps the socket open until it is closed itself.
        self._stream = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._socket.settimeout(_left(self._deadline))
        return self._stream.readinto(buffer)

    def close(self) -> None:
        self._stream.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *, deadline: float, **options: Any) -> None:
        super().__init__(sock, **options)
        own, self.fp = self.fp, io.BufferedReader(_Bounded(sock, deadline), _CHUNK)
        own.close()


def _connect(connection: http.client.HTTPConnection, deadline: float) -> None:
    connection.timeout = _left(deadline)
    if connection.sock is None:
        # http.client sets TCP_NODELAY: the tensors, a second write, do not wait until the headers are acknowledged.
        connection.connect()
    connection.sock.settimeout(_left(deadline))


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _succeeded(answer: _Answer) -> _Answer:
    """The answer, unless it is an error."""
    if answer.status == 200:
        return answer
    text = answer.body.decode("utf-8", "replace").strip()
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    message = content.get("error") if isinstance(content, dict) else None
    if not isinstance(message, str):
        message = text[:500] or "the server says nothing more"
    try:
        retry_after_s = float(answer.headers.get("Retry-After", ""))
    except ValueError:
        retry_after_s = math.nan
    kind = ServerError
    if answer.status in (429, 503):
        kind = Overloaded
    elif 400 <= answer.status < 500:
        kind = Rejected
    elif answer.status >= 500:
        kind = ServerFault
    raise kind(answer.status, message, retry_after_s if math.isfinite(retry_after_s) else None)


def _json(text: bytes | bytearray) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnexpectedAnswer(f"the server's answer is no JSON ({error})") from error
    if not isinstance(content, dict):
        raise UnexpectedAnswer("the server's answer is no JSON object")
    return content


def _fits(spec: TensorSpec, shape: Sequence[int], symbols: dict[str, int]) -> bool:
    if len(shape) != len(spec.shape):
        return False
    return all(
        have == (symbols.setdefault(want, have) if isinstance(want, str) else want)
        for have, want in zip(shape, spec.shape, strict=True)
    )


def _check(spec: TensorSpec, array: object, symbols: dict[str, int]) -> None:
    if not isinstance(array, np.ndarray):
        raise InvalidTensor(f"{spec.name} is a {type(array).__name__}; it must be a numpy array {spec}")
    if array.dtype.newbyteorder("<") != spec.dtype:
        raise InvalidTensor(f"{spec.name} is {array.dtype}{list(array.shape)}; it must be {spec} ({spec.dtype.name})")
    if not _fits(spec, array.shape, symbols):
        known = ", ".join(f"{name} = {length}" for name, length in symbols.items())
        raise InvalidTensor(f"{spec.name} is {array.dtype}{list(array.shape)}; it must be {spec}; here {known or '-'}")


def _encode(spec: TensorSpec, array: np.ndarray[Any, Any], blobs: list[memoryview | bytes] | None) -> dict[str, Any]:
    tensor: dict[str, Any] = {"name": spec.name, "shape": list(array.shape), "datatype": spec.datatype}
    if blobs is not None:
        blob: memoryview | bytes
        if spec.datatype == "BYTES":
            texts = [_text(spec, value).encode() for value in array.ravel().tolist()]
            blob = b"".join(part for text in texts for part in (struct.pack("<I", len(text)), text))
        else:
            plain = np.ascontiguousarray(array, spec.dtype)
            blob = plain.reshape(-1).view(np.uint8).data if plain.size else b""
        blobs.append(blob)
        tensor["parameters"] = {"binary_data_size": len(blob)}
        return tensor
    if spec.datatype == "BYTES":
        tensor["data"] = [_text(spec, value) for value in array.ravel().tolist()]
        return tensor
    if spec.datatype in ("FP16", "BF16"):
        raise InvalidTensor(f"{spec.name} is {spec.datatype}, which JSON cannot carry, and the server takes no binary")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InvalidTensor(f"{spec.name} has values that are not finite, which JSON cannot carry")
    tensor["data"] = array.ravel().tolist()
    return tensor


def _text(spec: TensorSpec, value: object) -> str:
    if not isinstance(value, str):
        raise InvalidTensor(f"{spec.name} holds a {type(value).__name__}; it must hold texts")
    return value


def _decode(answer: _Answer, specs: Sequence[TensorSpec], symbols: dict[str, int]) -> dict[str, np.ndarray[Any, Any]]:
    length = answer.headers.get(_HEADER_LENGTH)
    end = len(answer.body) if length is None else int(length) if length.isdecimal() else -1
    if not 0 <= end <= len(answer.body):
        raise UnexpectedAnswer(f"its JSON is {length} bytes long, and all of it {len(answer.body)}")
    outputs = _json(answer.body[:end]).get("outputs")
    if not isinstance(outputs, list):
        raise UnexpectedAnswer("it has no outputs")
    wanted = {spec.name: spec for spec in specs}
    found: dict[str, np.ndarray[Any, Any]] = {}
    for output in outputs:
        if not isinstance(output, dict) or not isinstance(output.get("name"), str):
            raise UnexpectedAnswer("one of its outputs has no name")
        parameters = output.get("parameters")
        size = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
        blob: memoryview | None = None
        if size is not None:
            if not isinstance(size, int) or not 0 <= size <= len(answer.body) - end:
                raise UnexpectedAnswer(f"its output {output['name']} is {size} bytes long, and {len(answer.body)} came")
            blob = memoryview(answer.body)[end : end + size]
            end += size
        if output["name"] in wanted:
            found[output["name"]] = _tensor(wanted[output["name"]], output, blob, symbols)
    for name in wanted:
        if name not in found:
            raise UnexpectedAnswer(f"it has no output {name}")
    return found


def _tensor(
    spec: TensorSpec, output: Mapping[str, Any], blob: memoryview | None, symbols: dict[str, int]
) -> np.ndarray[Any, Any]:
    datatype, shape = output.get("datatype"), output.get("shape")
    lengths = isinstance(shape, list) and all(type(length) is int and length >= 0 for length in shape)
    if not isinstance(shape, list) or not lengths or datatype != spec.datatype or not _fits(spec, shape, symbols):
        raise UnexpectedAnswer(f"its output {spec.name} is {datatype}{shape}; it must be {spec}")
    try:
        if blob is None:
            flat = np.array(output.get("data"), spec.dtype).reshape(-1)
        elif spec.datatype == "BYTES":
            flat = np.array(_texts(blob), "O")
        else:
            flat = np.frombuffer(blob, spec.dtype)
        return flat.reshape(shape)
    except (ValueError, TypeError, OverflowError, struct.error) as error:
        raise UnexpectedAnswer(f"the data of its output {spec.name} are not {datatype}{shape} ({error})") from error


def _texts(blob: memoryview) -> list[str]:
    texts, start = [], 0
    while start < len(blob):
        (length,) = struct.unpack_from("<I", blob, start)
        start += 4 + length
        if start > len(blob):
            raise ValueError("a text reaches beyond its end")
        texts.append(str(blob[start - length : start], "utf-8"))
    return texts


def _compare(side: str, specs: Sequence[TensorSpec], served: object) -> None:
    """Raises ModelMismatch unless the server declares the tensors of this client: those, and no other input."""
    tensors = {}
    for tensor in served if isinstance(served, list) else []:
        if isinstance(tensor, dict):
            tensors[tensor.get("name")] = (tensor.get("datatype"), tensor.get("shape"))
    for spec in specs:
        expected = (spec.datatype, [-1 if isinstance(length, str) else length for length in spec.shape])
        if spec.name not in tensors:
            raise ModelMismatch(f"the server's model has no {spec.name} of {spec} among its {side}")
        if (got := tensors.pop(spec.name)) != expected:
            raise ModelMismatch(f"the server's {spec.name} is {got[0]}{got[1]}, and this client has {spec}")
    if tensors and side == "inputs":
        raise ModelMismatch(f"the server's model takes {', '.join(map(str, tensors))} too")
