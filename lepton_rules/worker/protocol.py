"""Bazel's persistent worker protocol, JSON flavour: one WorkRequest a line in, one WorkResponse a line out.

https://bazel.build/remote/creating#work-requests. Messages are proto3 JSON, so a field that holds its default value
is left out, and a newer Bazel may send fields that are not known here: they are ignored. Of `inputs` only the paths are
used: the worker keeps nothing between requests, so their digests tell it nothing.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

_T = TypeVar("_T")

# A request lists every input of an action, so lines of megabytes are normal. This bound only keeps a stream that is
# no protocol from filling the memory.
_LONGEST_LINE = 256 * 2**20


class ProtocolError(ValueError):
    """What came in is not the protocol. Nothing after it can be trusted, so the worker ends."""


@dataclass(frozen=True)
class Request:
    """A WorkRequest.

    Attributes:
        arguments: the lines of the action's flag file, or `@file` for a flag file that Bazel did not expand.
        request_id: 0 in a singleplex worker.
        cancel: whether this asks to cancel the request of that id rather than to do it.
        sandbox_dir: the directory, relative to the worker's, that relative paths are relative to; empty for the
            worker's own.
        inputs: the paths of the action's inputs, directories among them, relative like all paths.
    """

    arguments: tuple[str, ...] = ()
    request_id: int = 0
    cancel: bool = False
    sandbox_dir: str = ""
    inputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Response:
    """A WorkResponse. `output` is text for people, printed by Bazel whether or not the action failed."""

    exit_code: int
    output: str = ""
    request_id: int = 0
    was_cancelled: bool = False

    def encode(self) -> bytes:
        """The line to send. It is ASCII, so that no locale matters."""
        message: dict[str, Any] = {"exitCode": self.exit_code, "output": self.output, "requestId": self.request_id}
        if self.was_cancelled:
            message["wasCancelled"] = True
        return json.dumps(message).encode("ascii") + b"\n"


class RequestReader:
    """Cuts a byte stream into requests, however the bytes arrive."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._held = 0

    def feed(self, data: bytes) -> Iterator[Request]:
        """Yields the requests that `data` completes. Raises ProtocolError."""
        *ends, rest = data.split(b"\n")
        for end in ends:
            line = b"".join([*self._pieces, end])
            self._pieces.clear()
            self._held = 0
            if line.strip():
                yield _decode(line)
        if rest:
            self._pieces.append(rest)
            self._held += len(rest)
            if self._held > _LONGEST_LINE:
                raise ProtocolError(f"a line is longer than {_LONGEST_LINE} bytes")


def write(descriptor: int, response: Response) -> None:
    """Sends a response whole. Raises OSError (BrokenPipeError when Bazel has gone)."""
    rest = memoryview(response.encode())
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _decode(line: bytes) -> Request:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"{_excerpt(line)} is not JSON ({error})") from None
    if not isinstance(message, dict):
        raise ProtocolError(f"{_excerpt(line)} is not a JSON object")
    arguments = message.get("arguments", [])
    if not isinstance(arguments, list) or not all(isinstance(argument, str) for argument in arguments):
        raise ProtocolError("'arguments' is not a list of strings")
    inputs = message.get("inputs", [])
    if not isinstance(inputs, list) or not all(isinstance(entry, dict) for entry in inputs):
        raise ProtocolError("'inputs' is not a list of objects")
    return Request(
        arguments=tuple(arguments),
        request_id=_typed(message, "requestId", int, 0),
        cancel=_typed(message, "cancel", bool, False),
        sandbox_dir=_typed(message, "sandboxDir", str, ""),
        inputs=tuple(_typed(entry, "path", str, "") for entry in inputs),
    )


def _typed(message: dict[str, Any], key: str, kind: type[_T], default: _T) -> _T:
    value = message.get(key, default)
    if type(value) is not kind:
        raise ProtocolError(f"{key!r} is {_excerpt(repr(value).encode())}, not {kind.__name__}")
    return value


def _excerpt(line: bytes) -> str:
    return repr(line[:80].decode("utf-8", "replace")) + ("…" if len(line) > 80 else "")
