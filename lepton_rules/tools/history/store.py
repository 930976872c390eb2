"""The file of a history: a JSON object a line, only ever appended to.

    {"time": "2026-01-31T12:00:00Z", "commit": "…" or null, "measurement": {…}}

`measurement` is a test's measurement.json without what is only for judging it again (the raw samples).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lepton_rules.manifest import canonical_json
from lepton_rules.plugin.errors import LeptonError

_KEPT = ("kind", "label", "artifact", "baseline", "budgets", "environment")


@dataclass(frozen=True, kw_only=True)
class Record:
    """One measurement of one test.

    Attributes:
      time: when it was measured, ISO 8601 in UTC.
      commit: of the source, where it was given.
      measurement: {"kind", "label", "artifact", "baseline", "budgets", "environment", "digest"}; digest tells
        measurements apart, their samples included.
    """

    time: str
    commit: str | None
    measurement: Mapping[str, Any]

    @property
    def label(self) -> str:
        """The test."""
        return str(self.measurement["label"])

    @property
    def digest(self) -> str:
        """Of the whole measurement.json."""
        return str(self.measurement["digest"])

    def line(self) -> str:
        """The line of the file."""
        value = {"commit": self.commit, "measurement": self.measurement, "time": self.time}
        return json.dumps(value, sort_keys=True, ensure_ascii=False) + "\n"


def record(measurement: Mapping[str, Any], time: str, commit: str | None) -> Record:
    """What the file keeps of a measurement.json."""
    digest = hashlib.sha256(canonical_json(measurement).encode()).hexdigest()
    kept = {key: measurement[key] for key in _KEPT} | {"digest": digest}
    return Record(time=time, commit=commit, measurement=kept)


def read(file: Path) -> list[Record]:
    """All records, in the order in which they were appended; none where there is no file.

    Raises:
      LeptonError: a line is none of ours. A last line without its end, which an interruption left, is none at all.
    """
    if not file.exists():
        return []
    found = []
    text = file.read_text("utf-8")
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            value = json.loads(line)
            made = Record(time=value["time"], commit=value["commit"], measurement=value["measurement"])
            made.measurement["budgets"], made.measurement["artifact"]["digest"], made.label, made.digest
        except (ValueError, KeyError, TypeError) as error:
            if number == text.count("\n") + 1:
                break
            raise LeptonError(
                f"history {file.name}",
                f"line {number} is no record ({type(error).__name__}: {error})",
                "Remove the line, or name the right file with --file",
            ) from error
        found.append(made)
    return found


def append(file: Path, records: Sequence[Record]) -> None:
    """Adds records at the end, after what is whole."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab+") as stream:
        stream.seek(0)
        content = stream.read()
        if content and not content.endswith(b"\n"):
            stream.truncate(content.rfind(b"\n") + 1)
        stream.seek(0, 2)
        stream.write("".join(made.line() for made in records).encode())


def new(known: Sequence[Record], found: Sequence[Record]) -> list[Record]:
    """Those of `found` that are to be appended, oldest first.

    A measurement that is there already is not: the file can be fed the same outputs again and again. But one that came
    back, in another commit, after the test had measured something else in between, is: the change back is a change.
    """
    latest = {made.label: made for made in known}
    before: dict[str, list[Record]] = {}
    for made in known:
        before.setdefault(made.digest, []).append(made)
    result = []
    for made in sorted(found, key=lambda one: one.time):
        if made.label in latest and latest[made.label].digest == made.digest:
            continue
        if made.digest in before and (
            made.commit is None or made.commit in {other.commit for other in before[made.digest]}
        ):
            continue
        latest[made.label] = made
        before.setdefault(made.digest, []).append(made)
        result.append(made)
    return result
