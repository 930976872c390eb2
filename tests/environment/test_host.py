"""What the host's detection tells, and what it must not tell."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from pathlib import Path

import lepton_rules
from lepton_rules.worker import isa

_ROOT = Path(lepton_rules.__file__).absolute().parent


def _detected() -> dict[str, dict[str, object]]:
    command = [sys.executable, "-I", "-S", "-B", str(_ROOT / "private/host/detect.py"), str(_ROOT / "worker/isa.py")]
    return dict(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))


def test_the_identity_is_what_a_time_depends_on_and_nothing_else() -> None:
    identity = _detected()["identity"]
    assert sorted(identity) == ["architecture", "cores", "cpu", "gpus", "isa", "system"]
    assert identity["isa"] == isa.detect()
    assert isinstance(identity["cores"], int) and identity["cores"] >= 1
    assert platform.node() not in map(str, identity.values())


def test_it_is_the_same_again() -> None:
    assert _detected() == _detected()


def test_every_chip_is_here_or_not() -> None:
    chips = _detected()["chips"]
    assert {type(here) for here in chips.values()} == {bool}
    assert chips["cpu"] is True
    assert chips["cpu_vnni"] is ("vnni" in isa.detect() or isa.detect() == "x86_64_amx")
