"""Runs the test programs as Bazel does: a process of their own, isolated, told everything by flags."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import lepton_rules

MEASURE = Path(lepton_rules.__file__).parent / "measure"


@dataclass(frozen=True)
class Done:
    """What a program left: its exit status, its output, test.xml, measurement.json and the file of infrastructure
    faults where it wrote them."""

    status: int
    output: str
    xml: ElementTree.Element | None
    measurement: Any
    infrastructure: str | None = None

    @property
    def verdicts(self) -> dict[str, str]:
        """Each budget's verdict."""
        return {budget["name"]: budget["verdict"] for budget in self.measurement["budgets"]}

    @property
    def cases(self) -> dict[str, str]:
        """For each test case of test.xml, the name of what it holds: system-out, failure or error."""
        assert self.xml is not None
        return {case.attrib["name"]: case[0].tag for case in self.xml.iter("testcase")}


def run_program(directory: Path, name: str, *flags: str) -> Done:
    """Runs `lepton_rules/measure/<name>.py` with a test's environment variables below `directory`."""
    out = directory / "outputs"
    xml, measured = out / "test.xml", out / "undeclared" / "measurement.json"
    fault = out / "infrastructure"
    out.mkdir(parents=True, exist_ok=True)
    for stale in (xml, measured, fault):
        stale.unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "-s", "-P", str(MEASURE / f"{name}.py"), *flags],
        cwd=directory,
        env={
            "PATH": os.environ.get("PATH", ""),
            "XML_OUTPUT_FILE": str(xml),
            "TEST_UNDECLARED_OUTPUTS_DIR": str(measured.parent),
            "TEST_INFRASTRUCTURE_FAILURE_FILE": str(fault),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return Done(
        status=done.returncode,
        output=done.stdout + done.stderr,
        xml=ElementTree.parse(xml).getroot() if xml.exists() else None,
        measurement=json.loads(measured.read_text("utf-8")) if measured.exists() else None,
        infrastructure=fault.read_text("utf-8") if fault.exists() else None,
    )
