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
