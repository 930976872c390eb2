"""The rule reference is what the docstrings say."""

from __future__ import annotations

import difflib
from pathlib import Path

import render

import lepton_rules

DOCS = Path(lepton_rules.__file__).parent.parent / "docs"
TEXT = r"""
module_docstring: "Rules."
rule_info {
  rule_name: "bake"
  doc_string: "Bakes.\n\n    At 200 \302\260C."
  attribute {
    name: "tin"
    doc_string: "round\303\242\302\200\302\246 |\n        or square"
    type: LABEL
    mandatory: true
  }
}
func_info {
  function_name: "apple"
  parameter {
    name: "kwargs"
  }
}
"""


def test_the_reference_is_current() -> None:
    written = (DOCS / "rules.md").read_text("utf-8").splitlines()
    generated = (DOCS / "rules.generated.md").read_text("utf-8").splitlines()
    difference = "\n".join(difflib.unified_diff(written, generated, "docs/rules.md", "the docstrings", lineterm=""))
    message = "docs/rules.md is not what the docstrings say. Run `bazel run //docs:rules.update`."
    assert not difference, f"lepton: {message}\n{difference}"


def test_every_public_symbol_is_there_with_a_meaning() -> None:
    reference = (DOCS / "rules.generated.md").read_text("utf-8")
    for name in ("lepton_artifact", "lepton_size_test", "lepton_python_test", "ModelInfo", "lepton.environment"):
        heading = next(line for line in reference.splitlines() if line.endswith(f" {name}"))
        following = reference.split(f"{heading}\n\n", 1)[1]
        assert not following.startswith(("#", "\n")), name


def test_text_format_is_read_and_cells_stay_on_their_line() -> None:
    rendered = render.render([("food.bzl", render.parse(TEXT))])
    assert "### bake\n\nBakes.\n\nAt 200 °C.\n" in rendered
    assert "| `tin` | label | round… \\| or square | required |" in rendered
    assert rendered.index("### apple") < rendered.index("### bake")
    assert "| `**kwargs` |  |  |" in rendered
