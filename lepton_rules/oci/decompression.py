"""A layer's tar as it was before it was compressed, for programs that do not know how to get it back."""

from __future__ import annotations

import hashlib
from pathlib import Path

from lepton_rules.oci.blob import CHUNK
from lepton_rules.plugin.errors import LeptonError


def decompress_zstd(blob: Path, diff_id: str, output: Path) -> None:
    """Writes the tar of a layer.

    Args:
        blob: the layer, in zstd.
        diff_id: what the image's configuration says that the tar's digest is.
        output: where the tar goes.

    Raises:
        LeptonError: the layer is no zstd, or its tar is another; or this Python has no zstandard.
    """
    try:
        import zstandard
    except ImportError as error:
        raise LeptonError(f"layer {blob.name}", "this Python has no zstandard", "Use the environment oci") from error
    contents = hashlib.sha256()
    try:
        with blob.open("rb") as source, output.open("wb") as target:
            # Several frames may follow one another.
            reader = zstandard.ZstdDecompressor().stream_reader(source, read_across_frames=True)
            while part := reader.read(CHUNK):
                contents.update(part)
                target.write(part)
    except zstandard.ZstdError as error:
        raise LeptonError(f"layer {blob.name}", f"it is no zstd: {error}", "Build the image again") from error
    if f"sha256:{contents.hexdigest()}" != diff_id:
        raise LeptonError(
            f"layer {blob.name}", f"its tar is sha256:{contents.hexdigest()} and should be {diff_id}", "Build it again"
        )
