"""Judges in a build action what needs no measuring: size and accuracy. The test only shows the verdict.

    launch -s -P lepton_rules/measure/verdict_action.py size --output_report=R --output_verdict=V --output_xml=X
        --output_measurement=M <the arguments of size_test.py>

A budget that does not hold is a verdict, not a failure of the action: the action writes it and succeeds.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from lepton_rules.measure import accuracy_test, gate, size_test

_TESTS = {"accuracy": accuracy_test, "size": size_test}


def main(arguments: Sequence[str]) -> int:
    """Runs the test named first and writes its report, verdict, test.xml and measurement.json."""
    test = _TESTS[arguments[0]]
    outputs: dict[str, Path] = {}
    passed_on = []
    for argument in arguments[1:]:
        key, _, value = argument.partition("=")
        if key.startswith("--output_"):
            outputs[key.removeprefix("--output_")] = Path(value)
        else:
            passed_on.append(argument)
    report = io.StringIO()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["XML_OUTPUT_FILE"] = f"{scratch}/test.xml"
        os.environ["TEST_UNDECLARED_OUTPUTS_DIR"] = scratch
        with contextlib.redirect_stdout(report):
            status = gate.main(test.parser(), test.measure, passed_on)
        outputs["xml"].write_bytes(Path(scratch, "test.xml").read_bytes())
        measured = Path(scratch, "measurement.json")
        # Without a measurement there is only the error that the report tells.
        outputs["measurement"].write_bytes(measured.read_bytes() if measured.exists() else b"{}\n")
    outputs["report"].write_text(report.getvalue(), encoding="utf-8")
    outputs["verdict"].write_text("PASS\n" if status == 0 else "FAIL\n", encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
