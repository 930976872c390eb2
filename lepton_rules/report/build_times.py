"""How long the pass of each step ran, from the profile that Bazel writes of every invocation.

Bazel leaves `command.profile.gz` in its output base, newer ones the last few as `command-<id>.profile.gz`: a trace of
what the invocation did (https://bazel.build/advanced/performance/json-trace-profile). What came from a cache did not
run, and has no time in it. Such a time is a fact of one build on one machine, while other actions ran beside it.
"""

from __future__ import annotations

import gzip
import json
import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lepton_rules.plugin.errors import LeptonError

_LARGEST = 1 << 30
_MNEMONIC = "LeptonRun"
_ACTION = "action processing"
# What Bazel calls the part of an action in which its program runs, and where that is.
_RUNS = {
    "waiting for response from worker": "a worker",
    "Local execution process wall time": "a process",
    "subprocess.run": "a process",
    "Remote execution process wall time": "another machine",
}
# A file system's clock is coarse, and Bazel moves outputs after the program has ended.
_SLACK_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class Made:
    """Who made one of an artifact's models.

    Attributes:
      artifact: the artifact's label.
      model: which of its models, counted from 1.
      name: of the pass.
      target: label of the target that has the action.
      manifest: the model's manifest.json, relative to the execution root.
    """

    artifact: str
    model: int
    name: str
    target: str
    manifest: str

    @classmethod
    def from_json(cls, text: str) -> Made:
        """From the rule's flag: a list of the five."""
        artifact, model, name, target, manifest = json.loads(text)
        return cls(artifact=artifact, model=model, name=name, target=target, manifest=manifest)


@dataclass(frozen=True, kw_only=True)
class Run:
    """An action that ran in a build.

    Attributes:
      progress: what the user saw, such as `Lepton onnx.quantize //models:net`.
      output: its first output, relative to the execution root; "" where the profile does not tell.
      began, ended: of the action, in seconds since 1970.
      seconds: that its program took.
      where: it ran, for people.
    """

    progress: str
    output: str
    began: float
    ended: float
    seconds: float
    where: str


@dataclass(frozen=True, kw_only=True)
class Build:
    """An invocation of Bazel.

    Attributes:
      id: Bazel's own.
      date: when it began, ISO 8601 in UTC.
      runs: the actions of ours that ran in it.
      here: whether it was found in this output base: then a file tells whether it is what that action wrote.
    """

    id: str
    date: str
    runs: Sequence[Run]
    here: bool


def find(output_base: Path) -> list[Path]:
    """The profiles that Bazel left there, the newest first."""
    found = {path.resolve() for path in output_base.glob("command*.profile.gz")}
    return sorted((path for path in found if path.is_file()), key=lambda path: -path.stat().st_mtime)


def read(path: Path, *, here: bool) -> Build:
    """A profile.

    Raises:
      LeptonError: it is none, or Bazel still writes it.
    """
    try:
        with path.open("rb") as stream:
            packed = stream.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as stream:
            content = stream.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise ValueError("it has more than a GiB")
        value = json.loads(content)
        return _build(value["otherData"], value["traceEvents"], here)
    except (OSError, EOFError, ValueError, KeyError, TypeError, zlib.error, RecursionError) as error:
        raise LeptonError(
            f"build profile {path.name}",
            f"it is no whole profile of Bazel ({type(error).__name__}: {error})",
            "Build with --profile=FILE, and name that file when it is done",
        ) from error


def _build(facts: Mapping[str, Any], events: Sequence[Mapping[str, Any]], here: bool) -> Build:
    # Bazel has nanoseconds, Python has not.
    began = datetime.fromisoformat(str(facts["date"])[:19]).replace(tzinfo=UTC)
    start = facts["profile_start_ts"] / 1000 if "profile_start_ts" in facts else began.timestamp()
    actions: dict[int, list[Mapping[str, Any]]] = {}
    programs: dict[int, list[Mapping[str, Any]]] = {}
    for event in events:
        if event.get("ph") != "X":
            continue
        if event.get("cat") == _ACTION and event.get("args", {}).get("mnemonic") == _MNEMONIC:
            actions.setdefault(event["tid"], []).append(event)
        elif _where(event):
            programs.setdefault(event["tid"], []).append(event)
    runs = []
    for thread, found in actions.items():
        for action in found:
            first, last = action["ts"], action["ts"] + action["dur"]
            inside = [one for one in programs.get(thread, ()) if first <= one["ts"] <= last]
            if inside:
                longest = max(inside, key=lambda one: one["dur"])
                runs.append(
                    Run(
                        progress=action["name"],
                        output=action.get("out", ""),
                        began=start + first / 1e6,
                        ended=start + last / 1e6,
                        seconds=longest["dur"] / 1e6,
                        where=_where(longest),
                    )
                )
    date = began.isoformat().replace("+00:00", "Z")
    return Build(id=str(facts["build_id"]), date=date, runs=runs, here=here)


def _where(event: Mapping[str, Any]) -> str:
    return _RUNS.get(event.get("cat", ""), "") or _RUNS.get(event.get("name", ""), "")


def time_of(made: Made, builds: Iterable[Build], execution_root: Path | None) -> dict[str, Any] | None:
    """{"seconds", "where", "build", "date"} of the newest build in which a model was made; None where there is none.

    The profile of a build in this output base counts only for the file that lies there now: it was written while the
    action ran. One that the user names is believed.
    """
    for build in builds:
        runs = [run for run in build.runs if _is(made, run)]
        if build.here:
            written = _written(made, execution_root)
            runs = [run for run in runs if run.began - _SLACK_SECONDS <= written <= run.ended + _SLACK_SECONDS]
        if len(runs) == 1:
            (run,) = runs
            return {"seconds": run.seconds, "where": run.where, "build": build.id, "date": build.date}
    return None


def _is(made: Made, run: Run) -> bool:
    if run.output:
        return Path(run.output).parent == Path(made.manifest).parent
    # A repository's name is spelt in more ways than one.
    words, _, target = run.progress.partition("//")
    return words.startswith(f"Lepton {made.name} ") and target == made.target.partition("//")[2]


def _written(made: Made, execution_root: Path | None) -> float:
    if execution_root is None:
        return math.nan
    path = execution_root / made.manifest
    return path.stat().st_mtime if path.is_file() else math.nan
