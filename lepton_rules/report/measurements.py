"""The measurement.json files that tests left, from Bazel's test logs: in folders, or in the zip that Bazel makes of
them.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lepton_rules.manifest import parse_json
from lepton_rules.measure.measurement import SCHEMA_VERSION
from lepton_rules.plugin.errors import LeptonError

_NAME = "measurement.json"
_ZIP = "outputs.zip"
_LARGEST = 64 << 20
_REQUIRED = {"kind": str, "label": str, "artifact": dict, "budgets": list, "samples": dict}


@dataclass(kw_only=True)
class Found:
    """What is in the test logs.

    Attributes:
      measurements: the valid ones, by label of the test.
      unreadable: one sentence for each file that is none.
    """

    measurements: dict[str, dict[str, Any]] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)


def find(testlogs: Path) -> Found:
    """All measurements below a directory of test logs. Sharded and repeated tests count by their last file."""
    found = Found()
    for path in sorted(testlogs.rglob("test.outputs/*")):
        if path.name not in (_NAME, _ZIP):
            continue
        try:
            for text in _texts(path):
                measurement = read(text, str(path.relative_to(testlogs)))
                found.measurements[measurement["label"]] = measurement
        except LeptonError as error:
            found.unreadable.append(str(error))
        except (OSError, zipfile.BadZipFile, UnicodeDecodeError, NotImplementedError, RuntimeError) as error:
            found.unreadable.append(f"{path.relative_to(testlogs)}: it cannot be read ({error}). Run the test again.")
    return found


def read(text: str, what: str) -> dict[str, Any]:
    """One measurement. Fields that are not known are left alone: a newer test may write more of them.

    Raises:
      LeptonError: it is none, or of another schema_version.
    """
    again = "Run the test again"
    try:
        value = parse_json(text)
    except ValueError as error:
        raise LeptonError(what, f"it is no JSON ({error})", again) from error
    if not isinstance(value, dict) or value.get("schema_version") != SCHEMA_VERSION:
        got = value.get("schema_version") if isinstance(value, dict) else type(value).__name__
        raise LeptonError(what, f"its schema_version is {got!r}, and this report reads {SCHEMA_VERSION}", again)
    for name, kind in _REQUIRED.items():
        if not isinstance(value.get(name), kind):
            raise LeptonError(what, f"its {name} is missing or wrong", again)
    for budget in value["budgets"]:
        wanted = ("name", "limit", "value", "unit", "verdict", "message")
        if not isinstance(budget, dict) or any(name not in budget for name in wanted):
            raise LeptonError(what, "one of its budgets is incomplete", again)
    if not isinstance(value["artifact"].get("digest"), str):
        raise LeptonError(what, "its artifact has no digest", again)
    return value


def _texts(path: Path) -> Iterator[str]:
    if path.name == _NAME:
        yield path.read_text(encoding="utf-8")
        return
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.filename.rpartition("/")[2] == _NAME:
                if info.file_size > _LARGEST:
                    raise LeptonError(path.name, f"{info.filename} is {info.file_size:,} bytes", "Run the test again")
                yield archive.read(info).decode("utf-8")
