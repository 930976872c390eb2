"""Counts what .ci/run ran, from Bazel's own record of the build rather than from what it printed.

usage: summary.py --status=BAZEL_STATUS --events=BUILD_EVENTS.json --lint=LINT_OUTPUT

Prints each failure, and last `N passed, N failed` or `N passed, N failed, N skipped`. The exit status is 0 only if
something passed and nothing failed. A test that could not be built or started has failed, and so has a run in which
Bazel says that it failed while no test did.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path


def bazel_results(events: Path) -> dict[str, str]:
    """What became of each target, by label: PASSED, FAILED or SKIPPED, or BUILT for what is no test.

    See Bazel's build_event_stream.proto: a test has a `testSummary`, any target a `targetCompleted` or, in its place,
    an `aborted` with a reason.
    """
    results: dict[str, str] = {}
    if not events.exists():
        return results
    for line in events.read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        identity = event.get("id", {})
        if label := identity.get("testSummary", {}).get("label"):
            status = event.get("testSummary", {}).get("overallStatus", "NO_STATUS")
            if status in ("PASSED", "FLAKY"):
                results[label] = "PASSED"
            elif results.get(label) != "SKIPPED":
                results[label] = "FAILED"
        elif label := identity.get("targetCompleted", {}).get("label"):
            if event.get("aborted", {}).get("reason") == "SKIPPED":
                results[label] = "SKIPPED"
            elif not event.get("completed", {}).get("success", False):
                results.setdefault(label, "FAILED")
            else:
                results.setdefault(label, "BUILT")
        elif "aborted" in event and event["aborted"].get("reason") in ("ANALYSIS_FAILURE", "LOADING_FAILURE"):
            label = next((value["label"] for value in identity.values() if "label" in value), "//...")
            results[label] = "FAILED"
    return results


def tests(events: Path, results: dict[str, str]) -> dict[str, str]:
    """The results that count: those of tests, and of whatever failed to build."""
    kinds: dict[str, str] = {}
    for line in events.read_text(encoding="utf-8").splitlines() if events.exists() else []:
        event = json.loads(line)
        if "configured" in event:
            kinds[event["id"]["targetConfigured"]["label"]] = event["configured"].get("targetKind", "")
    return {
        label: result
        for label, result in results.items()
        if result == "FAILED"
        or (result != "BUILT" and (result == "PASSED" or "_test rule" in kinds.get(label, "_test rule")))
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--status", type=int, required=True)
    parser.add_argument("--events", type=Path, required=True)
    parser.add_argument("--lint", type=Path, required=True)
    arguments = parser.parse_args()
    results = tests(arguments.events, bazel_results(arguments.events))
    if arguments.status != 0 and "FAILED" not in results.values():
        results[f"./bazelw test //... ended with status {arguments.status}"] = "FAILED"
    if "PASSED" not in results.values():
        results["no test passed"] = "FAILED"
    checks = 0
    for line in arguments.lint.read_text(encoding="utf-8").splitlines():
        result, separator, name = line.partition(" lint: ")
        if separator and result in ("PASSED", "FAILED"):
            results[f"lint: {name}"] = result
            checks += 1
    if checks == 0:
        results["tools/lint/run did not start"] = "FAILED"
    for label, result in sorted(results.items()):
        if result == "FAILED":
            print(f"FAILED {label}")
    count = Counter(results.values())
    print(
        f"{count['PASSED']} passed, {count['FAILED']} failed"
        + (f", {count['SKIPPED']} skipped" if count["SKIPPED"] else "")
    )
    return 1 if count["FAILED"] else 0


if __name__ == "__main__":
    sys.exit(main())
