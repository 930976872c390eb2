"""Counts what .ci/run ran, from Bazel's own record of the build rather than from what it printed.

usage: summary.py --status=BAZEL_STATUS --events=BUILD_EVENTS.json --tests=QUERY.jsonl --lint=LINT_OUTPUT

Prints each failure, what was skipped and why, and last `N passed, N failed` or `N passed, N failed, N skipped`. The
exit status is 0 only if a test passed and nothing failed. A test that could not be built or started has failed, and so
has a run in which Bazel says that it failed while no test did. A test has been skipped where Bazel says so, since this
is no machine for it, and where each of its cases was.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree


def read(events: Path) -> list[dict[str, Any]]:
    """The events of one build, oldest first; none where Bazel did not come to write any."""
    if not events.exists():
        return []
    return [json.loads(line) for line in events.read_text(encoding="utf-8").splitlines()]


def results(events: list[dict[str, Any]]) -> dict[str, str]:
    """What became of each test, and of whatever failed to build, by label: PASSED, FAILED or SKIPPED.

    See Bazel's build_event_stream.proto: a test that ran has a `testSummary`; any target has a `targetCompleted`, or in
    its place an `aborted` with a reason.
    """
    found: dict[str, str] = {}
    tests: set[str] = set()
    for event in events:
        identity = event["id"]
        if label := identity.get("targetConfigured", {}).get("label"):
            if event.get("configured", {}).get("targetKind", "").endswith("_test rule"):
                tests.add(label)
        elif label := identity.get("testSummary", {}).get("label"):
            passed = event.get("testSummary", {}).get("overallStatus") in ("PASSED", "FLAKY")
            found[label] = "PASSED" if passed else found.get(label, "FAILED")
        elif label := identity.get("targetCompleted", {}).get("label"):
            if event.get("aborted", {}).get("reason") == "SKIPPED":
                if label in tests:
                    found[label] = "SKIPPED"
            elif not event.get("completed", {}).get("success"):
                found.setdefault(label, "FAILED")
        elif event.get("aborted", {}).get("reason") in ("ANALYSIS_FAILURE", "LOADING_FAILURE"):
            found[next((value["label"] for value in identity.values() if "label" in value), "//...")] = "FAILED"
    return found


def lacking(query: Path) -> dict[str, str]:
    """What each test says that its machine must be, as `bazel query --output=streamed_jsonproto` has it. A constraint
    is named for what is wrong with a machine that does not have it, such as `this_machine_lacks_podman`."""
    found = {}
    for target in read(query):
        rule = target.get("rule", {})
        for attribute in rule.get("attribute", ()):
            if attribute["name"] == "target_compatible_with" and (labels := attribute.get("stringListValue")):
                names = (label.rpartition(":")[2].replace("_", " ") for label in labels)
                found[rule["name"]] = ", ".join(names)
    return found


def skipped_cases(events: list[dict[str, Any]]) -> Iterator[tuple[str, int, int, str]]:
    """Of each test with cases that were skipped: its label, how many were, how many there are, and the reasons."""
    for event in events:
        for output in event.get("testResult", {}).get("testActionOutput", ()):
            if output["name"] != "test.xml" or not output.get("uri", "").startswith("file:"):
                continue
            cases = list(ElementTree.parse(unquote(urlsplit(output["uri"]).path)).iter("testcase"))
            reasons = [
                case.findall("skipped")[0].get("message", "") for case in cases if case.find("skipped") is not None
            ]
            if reasons:
                label = event["id"]["testResult"]["label"]
                yield label, len(reasons), len(cases), "; ".join(dict.fromkeys(reasons))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--status", type=int, required=True)
    parser.add_argument("--events", type=Path, required=True)
    parser.add_argument("--tests", type=Path, required=True)
    parser.add_argument("--lint", type=Path, required=True)
    arguments = parser.parse_args()
    events = read(arguments.events)
    found = results(events)
    why = {label: reason for label, reason in lacking(arguments.tests).items() if found.get(label) == "SKIPPED"}
    for label, skipped, cases, reason in skipped_cases(events):
        if skipped == cases and found.get(label) == "PASSED":
            found[label] = "SKIPPED"
        why[label] = reason if skipped == cases else f"{skipped} of its {cases} cases: {reason}"
    if arguments.status != 0 and "FAILED" not in found.values():
        found[f"./bazelw test //... ended with status {arguments.status}"] = "FAILED"
    if "PASSED" not in found.values():
        found["no test passed"] = "FAILED"
    checks = 0
    for line in arguments.lint.read_text(encoding="utf-8").splitlines():
        result, separator, name = line.partition(" lint: ")
        if separator and result in ("PASSED", "FAILED"):
            found[f"lint: {name}"] = result
            checks += 1
    if checks == 0:
        found["tools/lint/run did not start"] = "FAILED"
    for label, result in sorted(found.items()):
        if result == "FAILED":
            print(f"FAILED {label}")
    for label, reason in sorted(why.items()):
        print(f"SKIPPED {label}: {reason}")
    count = Counter(found.values())
    print(
        f"{count['PASSED']} passed, {count['FAILED']} failed"
        + (f", {count['SKIPPED']} skipped" if count["SKIPPED"] else "")
    )
    return 1 if count["FAILED"] else 0


if __name__ == "__main__":
    sys.exit(main())
