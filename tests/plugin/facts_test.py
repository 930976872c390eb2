"""What a model says of itself is checked where it is said."""

from __future__ import annotations

from typing import Any

import pytest

from lepton_rules.plugin import LeptonError, ModelFacts, TensorSpec

X = TensorSpec("x", "float32", ("batch", 3))


def test_round_trip() -> None:
    assert X.to_json() == {"name": "x", "dtype": "float32", "shape": ["batch", 3]}
    assert TensorSpec.from_json(X.to_json()) == X
    assert TensorSpec("x", "int64", [1]).shape == (1,)  # type: ignore[arg-type]  # a list is taken, as JSON gives it


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("", "float32", ()), "its name"),
        ((1, "float32", ()), "its name"),
        (("x", "float", ()), "its dtype is 'float'. Did you mean 'float"),
        (("x", "FLOAT32", ()), "Did you mean 'float32'?"),
        (("x", "float32", (-1,)), "the dimension -1"),
        (("x", "float32", (True,)), "the dimension True"),
        (("x", "float32", ("",)), "the dimension ''"),
        (("x", "float32", (None,)), "the dimension None"),
        (("x", "float32", (1.0,)), "the dimension 1.0"),
    ],
)
def test_tensor_refusals(arguments: Any, says: str) -> None:
    with pytest.raises(LeptonError) as caught:
        TensorSpec(*arguments)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"inputs": (X, X)}, "'x' is there twice"),
        ({"outputs": ("x",)}, "they are not all TensorSpec"),
        ({"parameters": -1}, "got -1"),
        ({"parameters": None}, "got None"),
        ({"parameters": 1.5}, "got 1.5"),
        ({"macs": -1}, "got -1"),
        ({"macs": True}, "got True"),
    ],
)
def test_facts_refusals(change: dict[str, Any], says: str) -> None:
    good: dict[str, Any] = {"inputs": (X,), "outputs": (), "parameters": 1, "macs": None}
    ModelFacts(**good)
    with pytest.raises(LeptonError) as caught:
        ModelFacts(**{**good, **change})
    assert says in str(caught.value)
