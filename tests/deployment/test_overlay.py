"""Overlays: RFC 7396 and its own examples, and lists by name."""

from __future__ import annotations

from typing import Any

import pytest
from samples import FACTS, KINDS, spec

from lepton_rules.deployment.main import documents
from lepton_rules.deployment.overlay import merge


@pytest.mark.parametrize(
    ("base", "patch", "result"),
    [
        # RFC 7396, appendix A.
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        # Lists of what has a name.
        ([{"name": "a", "x": 1}], [{"name": "a", "y": 2}], [{"name": "a", "x": 1, "y": 2}]),
        ([{"name": "a", "x": 1}], [{"name": "b"}], [{"name": "a", "x": 1}, {"name": "b"}]),
        ([{"name": "a", "x": 1}], [{"name": "a", "x": None}], [{"name": "a"}]),
        ([{"name": "a"}, {"name": "a"}], [{"name": "a", "x": 1}], [{"name": "a", "x": 1}]),
        ([{"name": "a"}], [], []),
    ],
)
def test_merge(base: Any, patch: Any, result: Any) -> None:
    before = repr(base), repr(patch)
    assert merge(base, patch) == result
    assert (repr(base), repr(patch)) == before


def test_a_second_container_and_a_variable() -> None:
    overlay = {
        "spec": {
            "template": {
                "spec": {
                    "containers": [
                        {
                            "name": "server",
                            "env": [{"name": "LEPTON_DRAIN_S", "value": "10"}, {"name": "TZ", "value": "UTC"}],
                        }
                    ]
                }
            }
        }
    }
    made = documents(spec(overlays={"Deployment": overlay}), FACTS, KINDS)
    (server,) = made["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert server["env"] == [
        {"name": "LEPTON_DRAIN_S", "value": "10"},
        {"name": "LEPTON_PORT", "value": "8080"},
        {"name": "TZ", "value": "UTC"},
    ]
    assert server["image"] == FACTS.image
