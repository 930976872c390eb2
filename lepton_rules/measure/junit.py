"""test.xml: one test case for each budget, in the JUnit form that Bazel and CI servers read.

Source of the form: https://bazel.build/reference/test-encyclopedia, and the schema of the Jenkins xUnit plugin.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from lepton_rules.measure.verdict import Outcome, Verdict, show

# What XML 1.0 cannot hold, not even escaped.
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def outcomes_xml(label: str, outcomes: Sequence[Outcome], seconds: float | None = None) -> bytes:
    """The file of a test that measured. Whatever is not PASS is a failure.

    Args:
      label: the test's label.
      seconds: how long the test took; None leaves it out, so that equal outcomes give equal bytes.
    """
    suite = _suite(label, len(outcomes), seconds)
    failed = 0
    for outcome in outcomes:
        case = _case(suite, label, outcome.budget.name, seconds)
        if outcome.verdict is Verdict.PASS:
            ElementTree.SubElement(case, "system-out").text = _clean(_detail(outcome))
        else:
            failed += 1
            failure = ElementTree.SubElement(
                case, "failure", {"message": _clean(outcome.message), "type": outcome.verdict.value}
            )
            failure.text = _clean(_detail(outcome))
    suite.set("failures", str(failed))
    return _document(suite)


def error_xml(label: str, names: Sequence[str], message: str, seconds: float) -> bytes:
    """The file of a test that could not measure: an error for each budget, so that none looks kept.

    Args:
      names: the budgets; when there is none, one case stands for the test itself.
    """
    names = names or ["test"]
    suite = _suite(label, len(names), seconds)
    suite.set("errors", str(len(names)))
    for name in names:
        case = _case(suite, label, name, seconds)
        ElementTree.SubElement(case, "error", {"message": _clean(message), "type": "error"})
    return _document(suite)


def _detail(outcome: Outcome) -> str:
    margin = "unknown" if outcome.margin is None else f"{show(100 * outcome.margin, 3)} %"
    value = "unknown" if outcome.value is None else show(outcome.value)
    lines = [
        f"verdict: {outcome.verdict.value}",
        f"limit: {show(outcome.budget.limit)}{outcome.budget.suffix}",
        f"value: {value}",
        f"margin: {margin}",
    ]
    if outcome.interval is not None:
        lines.append(f"interval: {show(outcome.interval[0])} to {show(outcome.interval[1])}")
    return "\n".join([*lines, outcome.message])


def _suite(label: str, tests: int, seconds: float | None) -> ElementTree.Element:
    counts = {"tests": str(tests), "failures": "0", "errors": "0"}
    return ElementTree.Element("testsuite", {"name": _clean(label), **counts, **_time(seconds)})


def _case(suite: ElementTree.Element, label: str, name: str, seconds: float | None) -> ElementTree.Element:
    attributes = {"name": _clean(name), "classname": _clean(label), **_time(seconds)}
    return ElementTree.SubElement(suite, "testcase", attributes)


def _time(seconds: float | None) -> dict[str, str]:
    return {} if seconds is None else {"time": f"{seconds:.3f}"}


def _document(suite: ElementTree.Element) -> bytes:
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    document: bytes = ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return document + b"\n"


def _clean(text: str) -> str:
    return _ILLEGAL.sub("\ufffd", text)
