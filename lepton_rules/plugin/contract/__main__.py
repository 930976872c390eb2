"""Runs the contract from a command line: a line for each check, `test.xml` for Bazel, exit status 1 on failure."""

from __future__ import annotations

import argparse
import os
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from lepton_rules.plugin.contract.checks import CHECKS
from lepton_rules.plugin.contract.subject import Contract
from lepton_rules.plugin.errors import LeptonError


def main(argv: Sequence[str]) -> int:
    """Runs every check, the later ones also after a failure; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m lepton_rules.plugin.contract", description=__doc__.splitlines()[0])
    parser.add_argument("--name", required=True, help="the plugin's name")
    parser.add_argument("--entry", default="", help="its entry module; left out for a distribution's entry point")
    parser.add_argument("--samples", default="", help="module:function that writes the samples")
    parser.add_argument("--descriptors", type=Path, help="passes.bzl, or JSON that the lepton_plugin target declares")
    parser.add_argument("--passes", type=Path, help="the generated passes.bzl")
    parser.add_argument("--passes_label", default="", help="label that passes.bzl gives the lepton_plugin target")
    parser.add_argument("--mend", default="", help="the command that writes passes.bzl anew, for the message")
    parser.add_argument("--label", help="the test's label, for messages")
    parser.add_argument("--timeout_s", type=float, default=120.0, help="seconds that one run of a component may take")
    arguments = parser.parse_args(argv)
    suite = ElementTree.Element("testsuite", name=arguments.label or f"contract of {arguments.name}")
    failures = 0
    with Contract(
        arguments.name,
        arguments.entry,
        arguments.samples,
        arguments.descriptors,
        arguments.passes,
        arguments.passes_label,
        arguments.mend,
        arguments.timeout_s,
    ) as contract:
        for check in CHECKS:
            case = ElementTree.SubElement(suite, "testcase", classname=arguments.name, name=check.__name__)
            start = time.monotonic()
            try:
                check(contract)
                print(f"PASS {check.__name__}", flush=True)
            except Exception as error:
                failures += 1
                if isinstance(error, LeptonError):
                    message = str(error.with_label(arguments.label) if arguments.label else error)
                else:
                    message = traceback.format_exc()
                ElementTree.SubElement(case, "failure", message=message)
                print(f"FAIL {check.__name__}\n{message}", flush=True)
            case.set("time", f"{time.monotonic() - start:.3f}")
    suite.set("tests", str(len(CHECKS)))
    suite.set("failures", str(failures))
    if report := os.environ.get("XML_OUTPUT_FILE"):
        ElementTree.ElementTree(suite).write(report, encoding="utf-8", xml_declaration=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
