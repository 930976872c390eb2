"""The count that .ci/run ends with, from records such as Bazel 7.7.1 writes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).resolve().parents[2] / "tools" / "lint" / "summary.py"
Event = dict[str, Any]


def target(label: str, kind: str = "x_test rule") -> Event:
    return {"id": {"targetConfigured": {"label": label}}, "configured": {"targetKind": kind}}


def built(label: str, success: bool = True) -> Event:
    return {"id": {"targetCompleted": {"label": label}}, "completed": {"success": True} if success else {}}


def aborted(label: str, reason: str, identity: str = "targetCompleted") -> Event:
    return {"id": {identity: {"label": label}}, "aborted": {"reason": reason}}


def summary(label: str, status: str) -> Event:
    return {"id": {"testSummary": {"label": label}}, "testSummary": {"overallStatus": status}}


GOOD = [target("//:good"), built("//:good"), summary("//:good", "PASSED")]


def count(
    tmp_path: Path, events: list[Event] | None, *, status: int = 0, lint: str = "PASSED lint: ruff\n"
) -> tuple[int, list[str]]:
    """Exit status and lines of the summary; without events Bazel wrote no record."""
    record = tmp_path / "events.json"
    if events is not None:
        record.write_text("".join(json.dumps(event) + "\n" for event in events))
    (tmp_path / "lint").write_text(lint)
    done = subprocess.run(
        [sys.executable, PROGRAM, f"--status={status}", f"--events={record}", f"--lint={tmp_path / 'lint'}"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout.splitlines()


def test_tests_and_checks_that_passed(tmp_path: Path) -> None:
    events = [*GOOD, target("//:flaky"), built("//:flaky"), summary("//:flaky", "FLAKY")]
    library = [target("//:library", "filegroup rule"), built("//:library")]  # built, and no test
    assert count(tmp_path, [*events, *library]) == (0, ["3 passed, 0 failed"])


def test_tests_for_other_machines_are_skipped_and_other_targets_are_not_counted(tmp_path: Path) -> None:
    events = [target("//:gpu_test"), aborted("//:gpu_test", "SKIPPED"), summary("//:gpu_test", "NO_STATUS")]
    events += [target("//:gpu_library", "genrule rule"), aborted("//:gpu_library", "SKIPPED")]
    assert count(tmp_path, [*GOOD, *events]) == (0, ["2 passed, 0 failed, 1 skipped"])


def test_every_way_to_fail_counts_once(tmp_path: Path) -> None:
    events = [target("//:red"), built("//:red"), summary("//:red", "FAILED")]
    events += [target("//:slow"), built("//:slow"), summary("//:slow", "TIMEOUT")]
    events += [target("//:unbuilt"), built("//:unbuilt", success=False), summary("//:unbuilt", "FAILED_TO_BUILD")]
    events += [target("//:library", "genrule rule"), built("//:library", success=False)]
    events += [aborted("//:unanalysed", "ANALYSIS_FAILURE", "configuredLabel")]
    assert count(tmp_path, [*GOOD, *events], status=1, lint="PASSED lint: mypy\nFAILED lint: ruff\n") == (
        1,
        [
            "FAILED //:library",
            "FAILED //:red",
            "FAILED //:slow",
            "FAILED //:unanalysed",
            "FAILED //:unbuilt",
            "FAILED lint: ruff",
            "2 passed, 6 failed",
        ],
    )


def test_bazel_that_fails_while_every_test_passes(tmp_path: Path) -> None:
    assert count(tmp_path, GOOD, status=1) == (
        1,
        ["FAILED ./bazelw test //... ended with status 1", "2 passed, 1 failed"],
    )


def test_no_test_ran(tmp_path: Path) -> None:
    assert count(tmp_path, []) == (1, ["FAILED no test passed", "1 passed, 1 failed"])


def test_bazel_that_did_not_start(tmp_path: Path) -> None:
    assert count(tmp_path, None, status=36) == (
        1,
        ["FAILED ./bazelw test //... ended with status 36", "FAILED no test passed", "1 passed, 2 failed"],
    )


def test_lint_that_did_not_start(tmp_path: Path) -> None:
    assert count(tmp_path, GOOD, lint="lepton: no buildifier\n") == (
        1,
        ["FAILED tools/lint/run did not start", "1 passed, 1 failed"],
    )
