"""docs/serving.md knows every flag with its default, and every metric."""

from __future__ import annotations

import dataclasses
import re

import harness
from lepton_server.metrics import Metrics
from lepton_server.options import Options

PAGE = (harness.ROOT / "docs/serving.md").read_text("utf-8")


def test_every_flag() -> None:
    documented = {}
    for line in re.findall(r"^\| (`--.*)$", PAGE, re.MULTILINE):
        names, defaults = (cell.strip() for cell in line.split("|")[:2])
        flags = re.findall(r"`--([a-z_]+)`", names)
        values = [value.strip(" `") for value in defaults.split(",")]
        assert len(flags) == len(values), line
        documented |= dict(zip(flags, values, strict=True))
    for field in dataclasses.fields(Options):
        default = "" if field.default is dataclasses.MISSING else field.default
        if isinstance(default, bool | float):
            default = str(default).lower().removesuffix(".0")
        assert documented.pop(field.name) == str(default), field.name
    assert not documented


def test_every_metric() -> None:
    for family in Metrics().collect():
        assert f"`{family.name}" in PAGE, family.name
