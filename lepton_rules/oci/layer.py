"""A layer: a blob and, from the one pass that writes it, its descriptor."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from lepton_rules.oci.blob import Blob
from lepton_rules.oci.compression import compressor
from lepton_rules.oci.media import COMPRESSIONS, LAYER
from lepton_rules.oci.tar import Member, write_tar


class _Stored:
    """A tar's way to a blob that is the tar itself: one hash is both digests."""

    def __init__(self, blob: Blob) -> None:
        self._blob = blob

    def write(self, data: bytes) -> None:
        self._blob.write(data)

    def copy(self, source: BinaryIO, size: int) -> None:
        self._blob.copy(source, size)

    def finish(self) -> tuple[str, str]:
        digest = self._blob.finish()
        return digest, digest


class _Compressed:
    """A tar's way to a blob through a compressor: the tar is hashed before it, the blob after it."""

    def __init__(self, blob: Blob, through: Any) -> None:
        self._blob = blob
        self._through = through
        self._hash = hashlib.sha256()

    def write(self, data: bytes | memoryview) -> None:
        self._hash.update(data)
        if ready := self._through.compress(data):
            self._blob.write(ready)

    def copy(self, source: BinaryIO, size: int) -> None:
        buffer = memoryview(bytearray(1 << 18))
        left = size
        while left:
            count = source.readinto(buffer[: min(left, len(buffer))])  # type: ignore[attr-defined]
            if not count:
                raise ValueError(f"it ends {left} bytes early")
            self.write(buffer[:count])
            left -= count
        if source.read(1):
            raise ValueError(f"it is longer than {size} bytes")

    def finish(self) -> tuple[str, str]:
        self._blob.write(self._through.flush())
        return self._blob.finish(), f"sha256:{self._hash.hexdigest()}"


def write_layer(
    members: Iterable[Member],
    path: Path,
    *,
    compression: str = "none",
    level: int | None = None,
    media_type: str = "",
    annotations: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Writes the layer of `members` to `path`.

    Args:
        members: its files, in any order; parents that are missing are added.
        path: of the blob.
        compression: `none`, `gzip` or `zstd`.
        level: of compression, another than the usual one.
        media_type: of the tar, where it is not an image's layer's.
        annotations: of its descriptor.

    Returns:
        Its descriptor, JSON types: mediaType, digest, size, diff_id, and annotations where there are any.

    Raises:
        LeptonError: the members do not fit together, or one cannot be read.
    """
    through = compressor(compression, level)
    with Blob(path) as blob:
        sink: _Stored | _Compressed = _Compressed(blob, through) if through else _Stored(blob)
        write_tar(members, sink)
        digest, diff_id = sink.finish()
    descriptor: dict[str, Any] = {
        "mediaType": (media_type or LAYER) + COMPRESSIONS[compression],
        "digest": digest,
        "size": blob.size,
        "diff_id": diff_id,
    }
    if annotations:
        descriptor["annotations"] = dict(annotations)
    return descriptor
