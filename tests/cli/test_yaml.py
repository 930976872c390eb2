"""The YAML that a recipe is written in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lepton_rules.plugin import LeptonError
from lepton_rules.recipe.yaml_text import parse


def refused(text: str) -> str:
    with pytest.raises(LeptonError) as caught:
        parse(text, "recipe r.yaml")
    line = str(caught.value)
    assert line.startswith("lepton: recipe r.yaml: ")
    assert "\n" not in line
    return line


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: no", {"a": "no"}),
        ("a: on", {"a": "on"}),
        ("a: 1e-05", {"a": 1e-05}),
        ("a: 1e5", {"a": 1e5}),
        ("a: .5", {"a": 0.5}),
        ("a: 012", {"a": 12}),
        ("a: 12:30", {"a": "12:30"}),
        ("a: 2026-11-24", {"a": "2026-11-24"}),
        ("a: 1_000", {"a": "1_000"}),
        ("a: 0x10", {"a": "0x10"}),
        ("a: true", {"a": True}),
        ("a: 'true'", {"a": "true"}),
        ('a: "\\u00e9\\n"', {"a": "é\n"}),
        ("a: ~", {"a": None}),
        ("a:", {"a": None}),
        ("a: ''", {"a": ""}),
        ("a: =", {"a": "="}),
        ("<<: {a: 1}", {"<<": {"a": 1}}),
        ("a: |\n  x\n  y\n", {"a": "x\ny\n"}),
        ("- 1\n- [a, {b: -2}]", [1, ["a", {"b": -2}]]),
        ("", None),
    ],
)
def test_values_are_those_of_the_core_schema(text: str, value: Any) -> None:
    found = parse(text, "x")
    assert found == value
    assert json.dumps(found) == json.dumps(value)  # 1, 1.0 and True are equal in Python


@settings(deadline=None, max_examples=50)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**63)
        | st.floats(allow_nan=False, allow_infinity=False)
        # A line separator is a line break inside a YAML scalar, and JSON may hold one as it is.
        | st.text(st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\u2028\u2029\x85\ufeff")),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.text(st.characters(min_codepoint=97, max_codepoint=122), max_size=5), inner, max_size=3
            )
        ),
        max_leaves=8,
    ),
    st.booleans(),
)
def test_json_is_read_as_json(value: Any, ascii: bool) -> None:
    assert parse(json.dumps(value, ensure_ascii=ascii), "x") == value


def test_a_bomb_is_refused() -> None:
    layers = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9) if n else 'x'}]" for n in range(9))
    assert "line 1 has an anchor or an alias" in refused(layers)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: !!python/object/apply:os.system ['true']", "line 1 has the tag tag:yaml.org,2002:python/object/apply"),
        ("a: !x 1", "line 1 has the tag !x"),
        ("a: 1\nb: 2\na: 3", "line 3 has the key 'a' a second time"),
        ("1: a", "line 1 has a key that is no string"),
        ("[a]: a", "line 1 has a key that is no string"),
        ('a: "\\ud800"', "line 1 has half of a surrogate pair"),
        ("a: 1e999", "line 1 has the number 1e999, out of range"),
        ("a: [", "it is no YAML"),
        ("a: 1\n--- \nb: 2", "it is no YAML"),
        ("a: \x07", "it is no YAML"),
        ("[" * 5000 + "]" * 5000, "line 1 is nested too deep"),
        ("a: [[}", "it is no YAML"),
        ("[" * 100 + "]" * 100, "line 1 is nested too deep"),
        ("a: " + "1" * (2 << 20), "characters"),
    ],
)
def test_what_is_ambiguous_or_dangerous_is_refused(text: str, why: str) -> None:
    assert why in refused(text)
