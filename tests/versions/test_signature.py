"""What of a new signature breaks who was made for an older one."""

from __future__ import annotations

from typing import Any

import pytest

from lepton_rules.measure.signature import additions, changes


def _tensor(name: str, *shape: int | str, dtype: str = "float32") -> dict[str, Any]:
    return {"name": name, "dtype": dtype, "shape": list(shape)}


def _manifest(*inputs: Any, outputs: Any = ()) -> dict[str, Any]:
    return {"inputs": list(inputs), "outputs": list(outputs or [_tensor("y", "batch", 10)])}


BASE = _manifest(_tensor("x", "batch", 3, 32))


@pytest.mark.parametrize(
    "model",
    [
        BASE,
        # Another name for what is known at run time.
        _manifest(_tensor("x", "n", 3, 32), outputs=[_tensor("y", "n", 10)]),
        # More shapes than before.
        _manifest(_tensor("x", "batch", 3, "width")),
        # An output more, and one that is known now.
        _manifest(_tensor("x", "batch", 3, 32), outputs=[_tensor("z", 1), _tensor("y", "batch", 10)]),
        _manifest(_tensor("x", "batch", 3, 32), outputs=[_tensor("y", 1, 10)]),
    ],
)
def test_what_breaks_nobody(model: Any) -> None:
    assert changes(BASE, model) == []


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (
            _manifest(_tensor("x", "batch", 3, 32, dtype="uint8")),
            ["input 'x' was float32[batch, 3, 32] and is uint8[batch, 3, 32]"],
        ),
        (_manifest(_tensor("x", 1, 3, 32)), ["input 'x' was float32[batch, 3, 32] and is float32[1, 3, 32]"]),
        (_manifest(_tensor("x", "batch", 1, 32)), ["input 'x' was float32[batch, 3, 32] and is float32[batch, 1, 32]"]),
        (_manifest(_tensor("x", "batch", 3)), ["input 'x' was float32[batch, 3, 32] and is float32[batch, 3]"]),
        (
            _manifest(_tensor("image", "batch", 3, 32)),
            ["it takes no input 'x' any more", "it takes 'image' too, which nobody sends"],
        ),
        (
            _manifest(_tensor("x", "batch", 3, 32), outputs=[_tensor("logits", "batch", 10)]),
            ["it gives no output 'y' any more"],
        ),
        (
            _manifest(_tensor("x", "batch", 3, 32), outputs=[_tensor("y", "batch", "classes")]),
            ["output 'y' was float32[batch, 10] and is float32[batch, classes]"],
        ),
        (
            _manifest(_tensor("x", "batch", 3, 32), outputs=[_tensor("y", "batch", 11)]),
            ["output 'y' was float32[batch, 10] and is float32[batch, 11]"],
        ),
    ],
)
def test_what_breaks_somebody(model: Any, says: list[str]) -> None:
    assert changes(BASE, model) == says


def test_dimensions_that_were_free_of_each_other() -> None:
    before = _manifest(_tensor("x", "batch", "a"), _tensor("z", "batch", "b"))
    after = _manifest(_tensor("x", "batch", "a"), _tensor("z", "batch", "a"))
    assert changes(before, after) == ["dimension 1 of input 'z' must now be that of 'x', 1: 'a'"]
    assert changes(after, before) == []


def test_outputs_that_are_new_are_told() -> None:
    assert additions(BASE, _manifest(outputs=[_tensor("y", 1), _tensor("z", 1)])) == ["z"]
