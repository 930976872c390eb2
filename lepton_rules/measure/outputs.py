"""The measurement.json files that tests left in Bazel's test outputs: in folders, or in the zips that Bazel makes.

A test's lies at the root of its undeclared outputs. What else a test leaves there, deeper down too, is none of ours.
"""

from __future__ import annotations

import functools
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lepton_rules.manifest import parse_json, schema
from lepton_rules.measure.measurement import SCHEMA, SCHEMA_VERSION
from lepton_rules.plugin.errors import LeptonError

_NAME = "measurement.json"
_ZIP = "outputs.zip"
_FOLDER = "test.outputs"
_LARGEST = 64 << 20
_AGAIN = "Run its test again, or leave it out"


@dataclass(frozen=True, kw_only=True)
class Output:
    """What one test left.

    Attributes:
      measurement: the valid content of its measurement.json.
      time: when it was written, ISO 8601 in UTC.
    """

    measurement: dict[str, Any]
    time: str


@dataclass(kw_only=True)
class Found:
    """What a folder of test outputs holds.

    Attributes:
      outputs: what could be read, in the order of the files' names.
      unreadable: an error for each file that could not.
    """

    outputs: list[Output] = field(default_factory=list)
    unreadable: list[LeptonError] = field(default_factory=list)

    def newest(self) -> dict[str, dict[str, Any]]:
        """The last measurement of each test, by its label; runs of one second count by their files' order."""
        return {one.measurement["label"]: one.measurement for one in sorted(self.outputs, key=lambda one: one.time)}


def collect(root: Path, *, relative: bool = False) -> Found:
    """Everything below `root`.

    Args:
      root: a folder of test outputs, or one file.
      relative: errors name files relative to `root`, for what is read on other machines.

    Raises:
      LeptonError: there is no such place.
    """
    found = Found()
    for path in find(root):
        try:
            loaded = load(path, str(path.relative_to(root)) if relative else "")
        except LeptonError as error:
            found.unreadable.append(error)
            continue
        if loaded is not None:
            found.outputs.append(loaded)
    return found


def find(root: Path) -> Iterator[Path]:
    """Every file that may hold a measurement below `root`, sorted, or `root` itself where it is a file.

    Raises:
      LeptonError: there is no such place.
    """
    if root.is_file():
        yield root
        return
    if not root.is_dir():
        raise LeptonError(
            "test outputs", f"{root} is neither a file nor a folder", "Run tests first, or name Bazel's test outputs"
        )
    for path in sorted([*root.rglob(_NAME), *root.rglob(_ZIP)]):
        folders = path.relative_to(root).parent.parts
        # One that lies deeper in a test's outputs was kept by the test for itself.
        if path.parent.name == _FOLDER if path.name == _ZIP else _FOLDER not in folders[:-1]:
            yield path


def load(path: Path, name: str = "") -> Output | None:
    """Reads one of them; None for a zip without one.

    Args:
      path: the file.
      name: what an error calls it, instead of its path.

    Raises:
      LeptonError: it cannot be read, or is no measurement of this version.
    """
    what = f"measurement {name or path}"
    try:
        content, seconds = _zipped(path) if path.suffix == ".zip" else (_plain(path), path.stat().st_mtime)
    except (OSError, ValueError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise LeptonError(what, f"it cannot be read ({error})", _AGAIN) from error
    if content is None:
        return None
    written = datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")
    return Output(measurement=read(content, what), time=written)


def read(content: bytes, what: str) -> dict[str, Any]:
    """One measurement from the bytes of its file. Unknown fields are left alone: a newer test may write more.

    Raises:
      LeptonError: it is none, or of another schema_version; `what` is what it calls it.
    """
    try:
        value = parse_json(content.decode("utf-8"))
    except ValueError as error:
        raise LeptonError(what, f"it cannot be read ({error})", _AGAIN) from error
    version = value.get("schema_version") if isinstance(value, dict) else None
    if version != SCHEMA_VERSION:
        raise LeptonError(what, f"its schema_version is {version!r}, and {SCHEMA_VERSION} is read here", _AGAIN)
    if wrong := next(schema.problems(value, _open_schema()), None):
        raise LeptonError(what, f"it is none of this version ({wrong})", _AGAIN)
    assert isinstance(value, dict)
    return value


@functools.cache
def _open_schema() -> Any:
    return _opened(json.loads(SCHEMA.read_text(encoding="utf-8")))


def _opened(part: Any) -> Any:
    """The same schema, that allows fields which it does not name."""
    if isinstance(part, list):
        return [_opened(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {key: _opened(one) for key, one in part.items() if (key, one) != ("additionalProperties", False)}


def _plain(path: Path) -> bytes:
    size = path.stat().st_size
    if size > _LARGEST:
        raise ValueError(f"it has {size} bytes")
    return path.read_bytes()


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
