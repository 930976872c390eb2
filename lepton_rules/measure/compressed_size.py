"""How many bytes a model has when a registry stores it compressed: an action, for the size test.

    launch -s -P lepton_rules/measure/compressed_size.py --model=<directory> --output=<json>

Each file goes through DEFLATE at level 6 in the gzip format (RFC 1951, RFC 1952), what `docker push` does to a layer;
archive headers are not counted. The output is {"bytes": n, "method": "gzip -6"}.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from lepton_rules.manifest import canonical_json

METHOD = "gzip -6"
_LEVEL = 6
_GZIP = 31
_BLOCK = 1 << 20


def compressed_bytes(directory: Path) -> int:
    """The compressed bytes of all files of a directory."""
    return sum(_file(path) for path in sorted(directory.rglob("*")) if path.is_file())


def _file(path: Path) -> int:
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    total = 0
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            total += len(compressor.compress(block))
    return total + len(compressor.flush())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    content = {"bytes": compressed_bytes(arguments.model), "method": METHOD}
    arguments.output.write_text(canonical_json(content), encoding="utf-8")
