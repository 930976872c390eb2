"""What is wrong in a BUILD file is said before anything runs: in one line, all mistakes in one run."""

from __future__ import annotations

import pytest
from bazel import Bazel, Result
from case import Case
from declarations import DECLARATIONS


@pytest.fixture(scope="module")
def result(bazel: Bazel) -> Result:
    DECLARATIONS.write(bazel.workspace)
    return DECLARATIONS.run(bazel, "build", "--nobuild")


@pytest.mark.parametrize("case", DECLARATIONS.cases, ids=str)
def test_declaration_is_refused(case: Case, result: Result) -> None:
    assert DECLARATIONS.said(case, result), result.lepton_lines()


def test_nothing_else_is_said(result: Result) -> None:
    assert DECLARATIONS.unexpected(result) == []
    assert result.status == 1


@pytest.mark.parametrize(
    ("setting", "value", "why"),
    [
        ("hash_seed", "random", '"random" is not a whole number below 2^32. Give for example 0.'),
        ("hash_seed", "4294967296", '"4294967296" is not a whole number below 2^32. Give for example 0.'),
        ("timeout_s", "-1", "-1 is negative. Give seconds, or 0 for as long as it takes."),
    ],
)
def test_setting_is_refused(setting: str, value: str, why: str, bazel: Bazel) -> None:
    name = f"@lepton_rules//lepton_rules/settings:{setting}"
    result = bazel.run("build", "--nobuild", f"--{name}={value}", "//good:hello")
    assert result.status == 1
    assert result.lepton_lines() == [f"lepton: {setting} in {name}: {why}"]
