"""What every test main does around its measurement: arguments in; report, test.xml, measurement.json and exit status
out.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from lepton_rules.measure import test_xml
from lepton_rules.measure.files import write_atomically
from lepton_rules.measure.measurement import Measured, measurement
from lepton_rules.measure.table import table
from lepton_rules.measure.verdict import Outcome, Verdict, all_pass, show
from lepton_rules.plugin.errors import LeptonError


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a test found. The fields are those of measurement.json."""

    artifact: Measured
    outcomes: Sequence[Outcome]
    baseline: Measured | None = None
    samples: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] | None = None


class Parser(argparse.ArgumentParser):
    """Arguments in the form --key=value. A wrong command line is an error of ours, like every other."""

    def __init__(self, kind: str) -> None:
        super().__init__(prog=f"{kind}_test.py", allow_abbrev=False, add_help=False)
        self.kind = kind
        self.add_argument("--label", required=True)
        self.add_argument("--artifact_label", required=True)
        self.add_argument("--baseline_label", default="")
        self.add_argument("--budget", action="append", default=[])

    def error(self, message: str) -> NoReturn:
        raise LeptonError(f"{self.kind} test", f"its command line is wrong ({message})", "Report this to lepton_rules")


def main(parser: Parser, measure: Callable[[argparse.Namespace], Result], arguments: Sequence[str]) -> int:
    """Runs a test.

    Writes test.xml to $XML_OUTPUT_FILE and measurement.json to $TEST_UNDECLARED_OUTPUTS_DIR where they are set. The
    first line on standard output is ours when the test does not pass; a table follows.

    Args:
      measure: gives the result, or raises LeptonError where there is none.

    Returns:
      The exit status: 0 when every budget is PASS, else 1.
    """
    start = time.monotonic()
    label = _peek(arguments, "label") or "an unnamed test"
    names = [value.partition("=")[0] for value in _peek_all(arguments, "budget")]
    try:
        result = measure(parser.parse_args(arguments))
    except LeptonError as error:
        message = str(error.with_label(label))
        print(message)
        _write_xml(test_xml.error_xml(label, names, message, time.monotonic() - start))
        return 1
    except BaseException as error:
        message = (
            f"lepton: {parser.kind} test in {label}: it raised {type(error).__name__}. Report this to lepton_rules."
        )
        print(message, flush=True)
        _write_xml(test_xml.error_xml(label, names, message, time.monotonic() - start))
        raise
    for outcome in result.outcomes:
        if outcome.verdict is not Verdict.PASS:
            print(failure_line(parser.kind, label, outcome))
    print(report(label, result.outcomes))
    for outcome in result.outcomes:
        if outcome.warning:
            print(f"{outcome.budget.name}: {outcome.warning}.")
    _write_xml(test_xml.outcomes_xml(label, result.outcomes, time.monotonic() - start))
    _write_measurement(parser.kind, label, result)
    return 0 if all_pass(result.outcomes) else 1


def failure_line(kind: str, label: str, outcome: Outcome) -> str:
    """The line that says why a budget did not pass."""
    what = outcome.verdict.value
    return str(LeptonError(f"{kind} test", f"{outcome.budget.name} is {what}: {outcome.why}", outcome.fix, label))


def report(label: str, outcomes: Sequence[Outcome]) -> str:
    """The table of all budgets."""
    rows = [
        [
            outcome.budget.name,
            f"{show(outcome.budget.limit)}",
            "-" if outcome.value is None else show(outcome.value),
            outcome.budget.unit,
            "-" if outcome.margin is None else f"{show(100 * outcome.margin, 2)} %",
            outcome.verdict.value,
        ]
        for outcome in outcomes
    ]
    return label + "\n" + table(["budget", "limit", "value", "unit", "margin", "verdict"], rows, right=(1, 2, 4))


def _write_xml(content: bytes) -> None:
    if path := os.environ.get("XML_OUTPUT_FILE"):
        write_atomically(Path(path), content)


def _write_measurement(kind: str, label: str, result: Result) -> None:
    if not (directory := os.environ.get("TEST_UNDECLARED_OUTPUTS_DIR")):
        return
    content = measurement(
        kind, label, result.artifact, result.baseline, result.outcomes, result.samples, result.environment
    )
    text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
    write_atomically(Path(directory) / "measurement.json", text.encode("utf-8"))


def _peek(arguments: Sequence[str], key: str) -> str:
    return next(iter(_peek_all(arguments, key)), "")


def _peek_all(arguments: Sequence[str], key: str) -> list[str]:
    return [argument.partition("=")[2] for argument in arguments if argument.startswith(f"--{key}=")]


def digest(facts: Mapping[str, Any], key: str, what: str) -> str:
    """The digest under `key`, which names the model in measurement.json. Raises LeptonError when it is not one."""
    value = facts.get(key)
    hexadecimal = value.removeprefix("sha256:") if isinstance(value, str) else ""
    if len(hexadecimal) != 64 or set(hexadecimal) - set("0123456789abcdef") or value != f"sha256:{hexadecimal}":
        raise LeptonError(what, f"its {key} is {value!r}, not a sha256", "Build the target that writes it again")
    return f"sha256:{hexadecimal}"


def run(parser: Parser, measure: Callable[[argparse.Namespace], Result]) -> NoReturn:
    """`main` on the process's own arguments; exits."""
    sys.exit(main(parser, measure, sys.argv[1:]))
