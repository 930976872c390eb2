"""What every test program does around its measurement: flags in; report, test.xml, measurement.json and verdict out.

A program runs in one of two ways. As a test it prints its report, writes where Bazel's environment variables say, and
its exit status is the verdict. As an action (`--output_verdict` and its siblings) it writes four files that hold no
time, and succeeds whatever the verdict; the test then only shows them.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from lepton_rules.manifest import canonical_json
from lepton_rules.measure import faults, junit
from lepton_rules.measure.files import write_atomically
from lepton_rules.measure.measurement import Measured, measurement
from lepton_rules.measure.table import table
from lepton_rules.measure.verdict import Outcome, Verdict, show
from lepton_rules.plugin.errors import LeptonError

_COLUMNS = ("budget", "limit", "value", "unit", "margin", "interval", "verdict")
_OUTPUTS = ("output_measurement", "output_report", "output_verdict", "output_xml")


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a test found. The fields are those of measurement.json."""

    artifact: Measured
    outcomes: Sequence[Outcome]
    baseline: Measured | None = None
    samples: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] | None = None


class Parser(argparse.ArgumentParser):
    """Flags of the form --key=value. A wrong command line is an error of ours, like every other.

    Args:
      kind: of the test, such as "size": one of measurement.schema.json.
    """

    def __init__(self, kind: str) -> None:
        super().__init__(prog=f"{kind}_test.py", allow_abbrev=False, add_help=False)
        self.kind = kind
        self.add_argument("--label", required=True)
        self.add_argument("--artifact_label", required=True)
        self.add_argument("--baseline_label", default="the baseline")
        self.add_argument("--budget", action="append", default=[])
        for output in _OUTPUTS:
            self.add_argument(f"--{output}", type=Path)

    def error(self, message: str) -> NoReturn:
        raise LeptonError(f"{self.kind} test", f"its command line is wrong ({message})", "Report this to lepton_rules")


def main(parser: Parser, measure: Callable[[argparse.Namespace], Result], flags: Sequence[str]) -> int:
    """Runs a test program.

    The first line on standard output is ours, `lepton: …`, when the test does not pass; a table follows.

    Args:
      measure: gives the result, or raises LeptonError where there is none.

    Returns:
      The exit status: 0 when every budget is PASS, else 1; as an action, 0 unless there is no result.
    """
    start = time.monotonic()
    label = next((flag.partition("=")[2] for flag in flags if flag.startswith("--label=")), "an unnamed test")
    try:
        arguments = parser.parse_args(flags)
        result = measure(arguments)
    except LeptonError as error:
        named = error.with_label(label)
        faults.report(named)
        _report_error(label, flags, str(named), start)
        return 1
    except BaseException as error:
        kind = type(error).__name__
        wrong = LeptonError(f"{parser.kind} test", f"it raised {kind}: {error}", "See the traceback below", label)
        _report_error(label, flags, str(wrong), start)
        raise
    content = canonical_json(
        measurement(
            parser.kind, label, result.artifact, result.baseline, result.outcomes, result.samples, result.environment
        )
    ).encode()
    if arguments.output_verdict is not None:
        write_atomically(arguments.output_measurement, content)
        write_atomically(arguments.output_report, report(parser.kind, label, result.outcomes).encode())
        write_atomically(arguments.output_xml, junit.outcomes_xml(label, result.outcomes))
        write_atomically(arguments.output_verdict, f"{overall(result.outcomes).value}\n".encode())
        return 0
    print(report(parser.kind, label, result.outcomes), end="", flush=True)
    if path := os.environ.get("XML_OUTPUT_FILE"):
        write_atomically(Path(path), junit.outcomes_xml(label, result.outcomes, time.monotonic() - start))
    if directory := os.environ.get("TEST_UNDECLARED_OUTPUTS_DIR"):
        write_atomically(Path(directory) / "measurement.json", content)
    return 0 if overall(result.outcomes) is Verdict.PASS else 1


def overall(outcomes: Sequence[Outcome]) -> Verdict:
    """PASS when every outcome is, else the first verdict that is not. No outcome at all is no pass."""
    if not outcomes:
        return Verdict.NOT_PROVEN
    return next((outcome.verdict for outcome in outcomes if outcome.verdict is not Verdict.PASS), Verdict.PASS)


def report(kind: str, label: str, outcomes: Sequence[Outcome]) -> str:
    """What the test prints: a line for each budget that did not pass, with what to do; the table of all; warnings."""
    lines = [failure_line(kind, label, outcome) for outcome in outcomes if outcome.verdict is not Verdict.PASS]
    rows = [
        [
            outcome.budget.name,
            show(outcome.budget.limit),
            "-" if outcome.value is None else show(outcome.value),
            outcome.budget.unit,
            "-" if outcome.margin is None else f"{show(100 * outcome.margin, 2)} %",
            "-" if outcome.interval is None else " to ".join(show(bound, 4) for bound in outcome.interval),
            outcome.verdict.value,
        ]
        for outcome in outcomes
    ]
    lines += [label, table(_COLUMNS, rows, right=(1, 2, 4))]
    lines += [f"{outcome.budget.name}: {outcome.warning}." for outcome in outcomes if outcome.warning]
    return "\n".join(lines) + "\n"


def failure_line(kind: str, label: str, outcome: Outcome) -> str:
    """The line that says why a budget did not pass."""
    why = f"{outcome.budget.name} is {outcome.verdict.value}: {outcome.why}"
    return str(LeptonError(f"{kind} test", why, outcome.fix, label))


def run(parser: Parser, measure: Callable[[argparse.Namespace], Result]) -> NoReturn:
    """`main` on the process's own flags; exits."""
    sys.exit(main(parser, measure, sys.argv[1:]))


def _report_error(label: str, flags: Sequence[str], message: str, start: float) -> None:
    """Prints the message, and counts an error for each budget, so that none of them looks kept."""
    print(message, flush=True)
    if path := os.environ.get("XML_OUTPUT_FILE"):
        names = [flag.split("=")[1] for flag in flags if flag.startswith("--budget=")]
        write_atomically(Path(path), junit.error_xml(label, names, message, time.monotonic() - start))
