"""What a client is told when it is not given an answer."""

from __future__ import annotations

from collections.abc import Mapping


class RequestError(Exception):
    """A request that gets no inference, with its HTTP status.

    Args:
        status: the HTTP status code; gRPC's is derived from it.
        message: what was got, what is accepted.
        headers: further headers of the answer, such as `Retry-After`.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})


def overloaded(why: str, retry_after_s: int = 1) -> RequestError:
    """Returns the refusal of a request that may be sent again: 503 with Retry-After."""
    return RequestError(503, why, {"retry-after": str(retry_after_s)})


def shown(value: object, limit: int = 80) -> str:
    """Returns `value` for a message: printable ASCII, cut short, whatever a client sent."""
    try:
        text = ascii(value[: limit + 1] if isinstance(value, str | list) else value)
    except RecursionError:
        text = "nested deep"
    return text if len(text) <= limit else text[:limit] + "…"
