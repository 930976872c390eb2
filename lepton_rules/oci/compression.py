"""What a layer's tar goes through on its way to its blob: one thread, so that equal bytes give equal bytes."""

from __future__ import annotations

import zlib
from typing import Any, Protocol

from lepton_rules.oci.media import COMPRESSIONS
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.plugin.names import suggestion

# The levels after which a longer wait saves little: on a serving environment zstd 12 is as small as gzip 9 less 15 %.
LEVELS = {"gzip": 6, "zstd": 12}


class Compressor(Protocol):
    """What zlib's and zstandard's compressors have in common."""

    def compress(self, data: Any, /) -> bytes:
        """Takes bytes, returns what is ready."""

    def flush(self) -> bytes:
        """Returns the rest."""


def compressor(compression: str, level: int | None = None) -> Compressor | None:
    """Returns a new compressor, or None where nothing is compressed.

    Args:
        compression: `none`, `gzip` or `zstd`.
        level: another than the usual one.

    Raises:
        LeptonError: there is no such compression, or this Python has no zstandard.
    """
    if compression not in COMPRESSIONS:
        raise LeptonError("compression", f"got {compression!r}", suggestion(compression, COMPRESSIONS))
    if compression == "none":
        return None
    chosen = LEVELS[compression] if level is None else level
    if compression == "gzip":
        # 16 more than the window's bits is zlib's word for gzip's header, which it writes without name and time.
        return zlib.compressobj(chosen, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    try:
        import zstandard
    except ImportError as error:
        raise LeptonError(
            "compression zstd", "this Python has no module zstandard", "Use the environment oci, or gzip"
        ) from error
    parameters = zstandard.ZstdCompressionParameters.from_level(
        chosen, threads=0, write_content_size=False, write_checksum=False
    )
    made: Compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return made
