"""The module of tests/failing, in the output base of its test: what is built there need not be built again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from bazel import Bazel
from module import place

# A text that two plugins take through four passes, in turn.
_BUILD = """\
load("@lepton_rules//lepton_rules:defs.bzl", "lepton_artifact", "lepton_budgets", "lepton_recipe")
load("//rival:passes.bzl", "rival")
load("//sample:passes.bzl", "sample")

lepton_recipe(
    name = "recipe",
    passes = [
        sample.append(text = "first"),
        rival.flourish(name = "second"),
        sample.append(text = "third"),
        rival.press(),
    ],
)

lepton_artifact(
    name = "text",
    hardware = "//sample:page",
    model = "//good:hello",
    recipe = ":recipe",
)

lepton_budgets(
    name = "text_budgets",
    artifact = ":text",
    baseline = "//good:hello",
    max_size_ratio = 9,
)

lepton_recipe(
    name = "studies",
    passes = [sample.study()],
)

lepton_artifact(
    name = "measured",
    dataset = "//data:coins",
    hardware = "//scribe:desk",
    model = "//good:hello",
    recipe = ":studies",
    slots = {"//data:coins": "notes=train"},
)
"""


@pytest.fixture(scope="session")
def bazel() -> Iterator[Bazel]:
    nested = Bazel(place(Path(__file__).parents[1] / "failing" / "module", "failing"), "failing")
    line = nested.workspace / "line"
    line.mkdir()
    (line / "BUILD.bazel").write_text(_BUILD, encoding="utf-8")
    yield nested
    nested.shutdown()
