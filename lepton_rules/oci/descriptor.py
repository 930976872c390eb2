"""Descriptors: what a manifest says of a blob."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lepton_rules.oci.flags import read_json
from lepton_rules.plugin.errors import LeptonError

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_FIX = "Build it again, or have what made it write sha256 digests and sizes"


def digest_of(data: bytes) -> str:
    """Returns `sha256:…` of bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def check_digest(what: str, digest: object) -> str:
    """Returns a digest. Raises LeptonError unless it is `sha256:` and 64 hexadecimal digits."""
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise LeptonError(what, f"its digest is {digest!r}, accepted is sha256: and 64 hexadecimal digits", _FIX)
    return digest


def check_descriptor(what: str, value: object) -> dict[str, Any]:
    """Returns a descriptor. Raises LeptonError unless it has a media type, a digest and a size."""
    if not isinstance(value, Mapping):
        raise LeptonError(what, f"a descriptor is {type(value).__name__}, accepted is an object", _FIX)
    size = value.get("size")
    if not isinstance(value.get("mediaType"), str) or not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise LeptonError(what, f"a descriptor has no mediaType or no size: {str(dict(value))[:200]}", _FIX)
    check_digest(what, value.get("digest"))
    return dict(value)


def read_layer_descriptor(path: Path) -> dict[str, Any]:
    """Reads the descriptor that lies beside a layer's blob.

    Raises:
        LeptonError: it is no descriptor, or has no diff_id.
    """
    what = f"layer's descriptor {path.name}"
    descriptor = check_descriptor(what, read_json(path, what))
    check_digest(f"diff_id of {what}", descriptor.get("diff_id"))
    return descriptor


def public(descriptor: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a descriptor as a manifest has it: the diff_id stands in the configuration."""
    return {key: value for key, value in descriptor.items() if key != "diff_id"}


def document(data: bytes, media_type: str, **more: Any) -> dict[str, Any]:
    """Returns the descriptor of a document that is at hand."""
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data), **more}
