"""Finds measurement.json in Bazel's test outputs: in a folder, or in the zip that Bazel makes of it."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lepton_rules.manifest import parse_json
from lepton_rules.measure import measurement
from lepton_rules.plugin.errors import LeptonError

_NAME = "measurement.json"
_ZIP = "outputs.zip"
_FOLDER = "test.outputs"
_LARGEST = 64 << 20


def find(root: Path) -> Iterator[Path]:
    """Every file that may hold a measurement below `root`, sorted, or `root` itself where it is a file."""
    if root.is_file():
        yield root
        return
    if not root.is_dir():
        raise LeptonError(
            "history", f"{root} is neither a file nor a folder", "Run tests first, or name Bazel's test outputs"
        )
    for path in sorted([*root.rglob(_NAME), *root.rglob(_ZIP)]):
        if path.name == _NAME or path.parent.name == _FOLDER:
            yield path


def load(path: Path) -> tuple[dict[str, Any], str] | None:
    """(the measurement, when it was written as ISO 8601 in UTC); None for a zip without one.

    Raises:
      LeptonError: it cannot be read, or is no measurement of this version.
    """
    try:
        content, seconds = _zipped(path) if path.suffix == ".zip" else (path.read_bytes(), path.stat().st_mtime)
        if content is None:
            return None
        if len(content) > _LARGEST:
            raise ValueError(f"it has {len(content)} bytes")
        value = parse_json(content.decode("utf-8"))
    except (OSError, ValueError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise LeptonError(
            f"measurement {path}", f"it cannot be read ({error})", "Run its test again, or leave it out"
        ) from error
    if wrong := measurement.problems(value):
        raise LeptonError(
            f"measurement {path}", f"it is none of this version ({wrong[0]})", "Run its test again, or leave it out"
        )
    return value, datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")


def _zipped(path: Path) -> tuple[bytes | None, float]:
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if entry.filename == _NAME:
                if entry.file_size > _LARGEST:
                    raise ValueError(f"it declares {entry.file_size} bytes")
                with archive.open(entry) as stream:
                    content = stream.read(_LARGEST + 1)
                # A zip has local time: when the test wrote it, whichever cache the zip comes from.
                return content, datetime(*entry.date_time).timestamp()
    return None, 0.0
