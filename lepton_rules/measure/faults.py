"""Faults of the machine or of what runs the test, which say nothing about the artifact."""

from __future__ import annotations

import os
from pathlib import Path

from lepton_rules.plugin.errors import LeptonError

COMPONENT = "lepton_rules measurement"


class InfrastructureError(LeptonError):
    """What keeps a test from measuring though artifact, budgets and targets are right: another machine than the build
    knows, a chip that is absent, CPUs that it may not use, a process that could not be started."""


def report(error: LeptonError) -> None:
    """Tells Bazel of a fault in the file that it names in TEST_INFRASTRUCTURE_FAILURE_FILE, where it names one.

    The file's form: the component on the first line, what happened on the second. Source:
    https://bazel.build/reference/test-encyclopedia
    """
    if isinstance(error, InfrastructureError) and (path := os.environ.get("TEST_INFRASTRUCTURE_FAILURE_FILE")):
        Path(path).write_text(f"{COMPONENT}\n{error}\n", encoding="utf-8")
