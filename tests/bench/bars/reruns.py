"""A change reruns what it concerns: the edits of tests/aquery, each held to the exact actions that ran."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from harness.bar import Bar, Options
from harness.bazel import TREE, Bazel

_TEST = "//tests/aquery:aquery_test"


def measure(options: Options) -> list[Bar]:
    """Runs the test and counts its cases: the last pass's configuration, one plugin, one environment, and others."""
    bazel = Bazel(TREE, options.folder / "base", rc=options.rc)
    bazel.run("test", "--nocache_test_results", _TEST, check=False)
    logs = Path(bazel.query("info", "bazel-testlogs").output.strip())
    bazel.shutdown()
    report = ElementTree.parse(logs / "tests" / "aquery" / "aquery_test" / "test.xml")
    cases = {}
    for case in report.iter("testcase"):
        if found := re.fullmatch(r"test_an_edit_reruns_exactly_its_users\[(.*)\]", case.get("name", "")):
            cases[found[1]] = case.find("failure") is None and case.find("error") is None
    wanted = {"the_last_passs_configuration", "a_comment_in_one_plugin", "one_plugins_environment"}
    wrong = sorted(name for name, right in cases.items() if not right) + sorted(wanted - cases.keys())
    how = f"{len(cases)} edits" + (f"; wrong: {', '.join(wrong)}" if wrong else ", each with the actions that ran")
    return [Bar("edits that rerun too much or too little", "0 edits", len(wrong), "edits", not wrong, how)]
