"""What of a new version's signature breaks who was made for an older one.

A caller names the inputs and outputs that it knows, with their types and shapes. So what it sends must still be taken,
and what it reads must still come: a version may take more shapes than before, give an output more, and call a dimension
that is known at run time by another name. Everything else breaks somebody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Dimension = int | str


def changes(baseline: Mapping[str, Any], model: Mapping[str, Any]) -> list[str]:
    """Sentences, one for each change that breaks a caller, without full stops; none where a caller goes on as it is.

    Args:
      baseline: the manifest that callers were made for.
      model: the manifest of the new version.
    """
    found = []
    for side, verb in (("inputs", "takes"), ("outputs", "gives")):
        before = {tensor["name"]: tensor for tensor in baseline[side]}
        after = {tensor["name"]: tensor for tensor in model[side]}
        for name, tensor in before.items():
            if name not in after:
                found.append(f"it {verb} no {side[:-1]} {name!r} any more")
            else:
                found += _tensor_changes(side, tensor, after[name])
        if side == "inputs":
            found += [f"it takes {name!r} too, which nobody sends" for name in after if name not in before]
    return found + _ties(baseline["inputs"], model["inputs"])


def additions(baseline: Mapping[str, Any], model: Mapping[str, Any]) -> list[str]:
    """The outputs that the new version gives and the old one did not."""
    before = {tensor["name"] for tensor in baseline["outputs"]}
    return [tensor["name"] for tensor in model["outputs"] if tensor["name"] not in before]


def _tensor_changes(side: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    if before["dtype"] == after["dtype"] and _shape_goes(side, before["shape"], after["shape"]):
        return []
    return [f"{side[:-1]} {before['name']!r} was {_spell(before)} and is {_spell(after)}"]


def _shape_goes(side: str, before: Sequence[Dimension], after: Sequence[Dimension]) -> bool:
    """Whether every shape that a caller sends is taken, or every shape that comes is one that it knows."""
    wide, narrow = (after, before) if side == "inputs" else (before, after)
    return len(wide) == len(narrow) and all(
        isinstance(has, str) or has == wants for has, wants in zip(wide, narrow, strict=True)
    )


def _ties(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> list[str]:
    """Dimensions of inputs that were free of each other, and now have one name."""
    old, new = _places(before), _places(after)
    found = []
    for place, name in new.items():
        for other, other_name in new.items():
            both = place in old and other in old
            if other < place and name == other_name and both and old[place] != old[other]:
                found.append(
                    f"dimension {place[1]} of input {place[0]!r} must now be that of {other[0]!r}, {other[1]}: {name!r}"
                )
    return found


def _places(tensors: Sequence[Mapping[str, Any]]) -> dict[tuple[str, int], Dimension]:
    return {
        (tensor["name"], axis): length
        for tensor in tensors
        for axis, length in enumerate(tensor["shape"])
        if isinstance(length, str)
    }


def _spell(tensor: Mapping[str, Any]) -> str:
    return f"{tensor['dtype']}[{', '.join(map(str, tensor['shape']))}]"
