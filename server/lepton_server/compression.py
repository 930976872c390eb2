"""Bodies in gzip and deflate, in bounded memory."""

from __future__ import annotations

import zlib

from lepton_server.errors import RequestError

_WINDOW = {"gzip": 31, "deflate": 15}  # zlib's wbits; deflate is the zlib format, RFC 9110 8.4.1.2
_SMALL = 1024  # bytes; less than this gains nothing
_LEVEL = 1


def decompress(body: bytes, encoding: str, limit: int) -> bytes:
    """Returns the body that was compressed with `encoding`, the header Content-Encoding's value.

    Raises:
        RequestError: 415 for another encoding, 400 where the body is damaged, 413 where it has more than `limit` bytes.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return body
    if name not in _WINDOW:
        raise RequestError(415, "the body's encoding is not gzip or deflate", {"accept-encoding": "gzip, deflate"})
    decompressor = zlib.decompressobj(_WINDOW[name])
    try:
        found = decompressor.decompress(body, limit + 1)
    except zlib.error:
        raise RequestError(400, f"the body is not {name}") from None
    if len(found) > limit:
        raise too_large(limit)
    if not decompressor.eof or decompressor.unused_data:
        raise RequestError(400, f"the body is not one whole {name} stream")
    return found


def compress(body: bytes, accepted: str) -> tuple[bytes, str]:
    """Returns the body as the header Accept-Encoding wants it, and its encoding, which is empty for none."""
    if len(body) < _SMALL or not accepted:
        return body, ""
    for item in accepted.lower().split(","):
        name, _, weight = item.partition(";")
        if name.strip() in _WINDOW and weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000"):
            encoding = name.strip()
            compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW[encoding])
            return compressor.compress(body) + compressor.flush(), encoding
    return body, ""


def too_large(limit: int) -> RequestError:
    """Returns the refusal of a body with more than `limit` bytes."""
    return RequestError(413, f"the body has more than {limit} bytes")
