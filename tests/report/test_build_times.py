"""How long a pass ran is read from the profiles that Bazel writes, and none is told of a build in which it did not."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from lepton_rules.plugin import LeptonError
from lepton_rules.report import build_times
from lepton_rules.report.build_times import Made

START = 1_790_000_000
QUANTIZE = "Lepton onnx.quantize //m:x"
MADE = Made(
    artifact="//m:x", model=2, name="onnx.quantize", target="//m:x", manifest="bazel-out/b/bin/m/x/2/manifest.json"
)


def event(name: str, cat: str, second: float, seconds: float, tid: int = 7, **more: Any) -> dict[str, Any]:
    return {"name": name, "cat": cat, "ph": "X", "ts": second * 1e6, "dur": seconds * 1e6, "pid": 1, "tid": tid, **more}


def action(name: str, second: float, seconds: float, tid: int = 7, **more: Any) -> dict[str, Any]:
    return event(name, "action processing", second, seconds, tid, args={"mnemonic": "LeptonRun"}, **more)


def profile(folder: Path, *events: dict[str, Any], name: str = "command.profile.gz", begins: int = START) -> Path:
    """As Bazel writes it."""
    date = build_times.datetime.fromtimestamp(begins, build_times.UTC).isoformat().replace("+00:00", ".613349484Z")
    facts = {"bazel_version": "release 7.7.1", "build_id": f"id-{name}", "date": date}
    marks = [{"name": "thread_name", "ph": "M", "pid": 1, "tid": 7, "args": {"name": "x"}}]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(gzip.compress(json.dumps({"otherData": facts, "traceEvents": [*marks, *events]}).encode()))
    os.utime(path, (begins, begins))
    return path


def written(root: Path, second: float, manifest: str = MADE.manifest) -> Path:
    """A manifest.json that was written so long after START."""
    path = root / manifest
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")
    os.utime(path, (START + second, START + second))
    return root


RAN = (
    action(QUANTIZE, 10, 20),
    event("acquiring", "general information", 10, 5),
    event("Worker #15 working", "waiting for response from worker", 15, 12.5),
    event("Worker #15 working", "waiting for response from worker", 11, 19, tid=8),  # another action's
)


def test_the_time_is_the_program_s_alone(tmp_path: Path) -> None:
    found = build_times.read(profile(tmp_path, *RAN), here=False)
    assert (found.id, found.date) == ("id-command.profile.gz", "2026-09-21T14:13:20Z")
    (run,) = found.runs
    assert (run.progress, run.seconds, run.where) == (QUANTIZE, 12.5, "a worker")
    assert build_times.time_of(MADE, [found], None) == {
        "seconds": 12.5,
        "where": "a worker",
        "build": "id-command.profile.gz",
        "date": "2026-09-21T14:13:20Z",
    }


def test_what_came_from_a_cache_did_not_run(tmp_path: Path) -> None:
    check = event("check cache hit", "remote action cache check", 10, 1)
    found = build_times.read(profile(tmp_path, action(QUANTIZE, 10, 20), check), here=False)
    assert found.runs == [] and build_times.time_of(MADE, [found], None) is None


def test_another_pass_and_another_target_are_not_it(tmp_path: Path) -> None:
    program = event("Worker #15 working", "waiting for response from worker", 15, 12.5)
    for name in ("Lepton onnx.optimize //m:x", "Lepton onnx.quantize //m:xy", "Lepton onnx.quantize_dynamic //m:x"):
        found = build_times.read(profile(tmp_path, action(name, 10, 20), program), here=False)
        assert build_times.time_of(MADE, [found], None) is None, name
    found = build_times.read(profile(tmp_path, action("Lepton onnx.quantize @@//m:x", 10, 20), program), here=False)
    assert build_times.time_of(MADE, [found], None) is not None


def test_a_build_here_counts_for_the_file_that_it_wrote(tmp_path: Path) -> None:
    found = build_times.read(profile(tmp_path, *RAN), here=True)
    for second, known in ((29.0, True), (5.0, False), (100.0, False)):
        root = written(tmp_path / str(second), second)
        assert (build_times.time_of(MADE, [found], root) is not None) is known, second
    assert build_times.time_of(MADE, [found], None) is None
    assert build_times.time_of(MADE, [found], tmp_path / "nowhere") is None


def test_two_that_look_the_same_are_told_apart_by_what_they_wrote_or_not_at_all(tmp_path: Path) -> None:
    """A step is exported for the chip where `measure_steps` wants it, and says the same to the user."""
    again = (action(QUANTIZE, 50, 20), event("Worker #15 working", "waiting for response from worker", 51, 7))
    path = profile(tmp_path, *RAN, *again)
    assert build_times.time_of(MADE, [build_times.read(path, here=False)], None) is None
    root = written(tmp_path / "root", 69.0)
    told = build_times.time_of(MADE, [build_times.read(path, here=True)], root)
    assert told is not None and told["seconds"] == 7.0
    outputs = (
        action(QUANTIZE, 10, 20, out="bazel-out/b/bin/m/x/2/model"),
        *RAN[1:],
        action(QUANTIZE, 50, 20, out="bazel-out/b/bin/m/x/2_exported/model"),
        again[1],
    )
    told = build_times.time_of(MADE, [build_times.read(profile(tmp_path, *outputs), here=False)], None)
    assert told is not None and told["seconds"] == 12.5


def test_the_newest_build_in_which_it_ran_counts(tmp_path: Path) -> None:
    base = tmp_path / "base"
    old = profile(base, *RAN, name="command-1.profile.gz")
    new = profile(base, name="command-2.profile.gz", begins=START + 1000)
    (base / "command.profile.gz").symlink_to(new.name)
    paths = build_times.find(base)
    assert paths == [new.resolve(), old.resolve()]
    told = build_times.time_of(MADE, [build_times.read(path, here=True) for path in paths], written(tmp_path, 29))
    assert told is not None and told["build"] == "id-command-1.profile.gz"
    assert build_times.find(tmp_path / "nowhere") == []


def test_a_profile_that_is_not_packed_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "profile.json"
    path.write_bytes(gzip.decompress(profile(tmp_path, *RAN).read_bytes()))
    assert len(build_times.read(path, here=False).runs) == 1


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"otherData": {}, "traceEvents": []}', b"\x1f\x8b cut"])
def test_what_is_no_profile_is_said(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "command.profile.gz"
    path.write_bytes(content)
    with pytest.raises(LeptonError, match=r"build profile command.profile.gz: it is no whole profile of Bazel"):
        build_times.read(path, here=True)


def test_one_that_is_still_written_is_said(tmp_path: Path) -> None:
    path = profile(tmp_path, *RAN)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(LeptonError, match="it is no whole profile"):
        build_times.read(path, here=True)


def test_the_rule_s_flag() -> None:
    assert Made.from_json(json.dumps(["//m:x", 2, "onnx.quantize", "//m:x", MADE.manifest])) == MADE
