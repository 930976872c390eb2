"""The count that .ci/run ends with, from records such as Bazel 7.7.1 writes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

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
    tmp_path: Path,
    events: list[Event] | None,
    *,
    status: int = 0,
    lint: str = "PASSED lint: ruff\n",
    tests: list[Event] | None = None,
) -> tuple[int, list[str]]:
    """Exit status and lines of the summary; without events Bazel wrote no record."""
    record = tmp_path / "events.json"
    if events is not None:
        record.write_text("".join(json.dumps(event) + "\n" for event in events))
    (tmp_path / "lint").write_text(lint)
    (tmp_path / "tests").write_text("".join(json.dumps(test) + "\n" for test in tests or ()))
    files = (f"--events={record}", f"--tests={tmp_path / 'tests'}", f"--lint={tmp_path / 'lint'}")
    done = subprocess.run(
        [sys.executable, PROGRAM, f"--status={status}", *files], capture_output=True, text=True, check=False
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


def test_what_a_machine_lacks_is_the_reason(tmp_path: Path) -> None:
    events = [target("//:kube_test"), aborted("//:kube_test", "SKIPPED"), summary("//:kube_test", "NO_STATUS")]
    names = ["this_machine_lacks_podman", "this_machine_lacks_runc"]
    attribute = {"name": "target_compatible_with", "stringListValue": [f"//:{name}" for name in names]}
    tests = [
        {"type": "RULE", "rule": {"name": f"//:{name}", "attribute": [attribute]}} for name in ("good", "kube_test")
    ]
    assert count(tmp_path, [*GOOD, *events], tests=tests) == (
        0,
        ["SKIPPED //:kube_test: this machine lacks podman, this machine lacks runc", "2 passed, 0 failed, 1 skipped"],
    )


@pytest.mark.parametrize(
    ("cases", "lines"),
    [
        ("sss", ["SKIPPED //:good: no g++", "2 passed, 0 failed, 1 skipped"]),
        ("s..", ["SKIPPED //:good: 1 of its 3 cases: no g++", "2 passed, 0 failed"]),
        ("...", ["2 passed, 0 failed"]),
        ("", ["2 passed, 0 failed"]),
    ],
)
def test_cases_that_were_skipped(cases: str, lines: list[str], tmp_path: Path) -> None:
    skipped = '<testcase name="a"><skipped type="pytest.skip" message="no g++">here</skipped></testcase>'
    texts = [skipped if case == "s" else '<testcase name="b" />' for case in cases]
    xml = tmp_path / "a test.xml"
    xml.write_text(f"<testsuites><testsuite>{''.join(texts)}</testsuite></testsuites>")
    outputs = [{"name": "test.log", "uri": "file:///log"}, {"name": "test.xml", "uri": xml.as_uri()}]
    event = {"id": {"testResult": {"label": "//:good"}}, "testResult": {"testActionOutput": outputs}}
    other = [target("//:other"), built("//:other"), summary("//:other", "PASSED")] if cases == "sss" else []
    assert count(tmp_path, [*GOOD, event, *other]) == (0, lines)


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
