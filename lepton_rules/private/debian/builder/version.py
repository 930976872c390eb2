"""The order of Debian's versions (Debian Policy, 5.6.12): `[epoch:]upstream[-revision]`."""

from __future__ import annotations

import re
from functools import total_ordering
from itertools import zip_longest
from typing import TypeAlias

_PARTS = re.compile(r"(\D*)(\d*)")
_Part: TypeAlias = tuple[tuple[int, ...], int]
# Nothing is as good as a zero.
_END: _Part = ((0,), 0)


@total_ordering
class Version:
    """A version that compares as dpkg compares it."""

    def __init__(self, text: str) -> None:
        self.text = text
        epoch, colon, rest = text.partition(":")
        if not colon:
            epoch, rest = "0", text
        upstream, dash, revision = rest.rpartition("-")
        if not dash:
            upstream, revision = rest, ""
        self._epoch = int(epoch)
        self._parts = (_parts(upstream), _parts(revision))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self._compared(other) == 0

    def __lt__(self, other: Version) -> bool:
        return self._compared(other) < 0

    def __hash__(self) -> int:
        return hash(self._epoch)

    def __repr__(self) -> str:
        return f"Version({self.text!r})"

    def _compared(self, other: Version) -> int:
        if self._epoch != other._epoch:
            return self._epoch - other._epoch
        for mine, its in zip(self._parts, other._parts, strict=True):
            for left, right in zip_longest(mine, its, fillvalue=_END):
                if left != right:
                    return -1 if left < right else 1
        return 0


def _parts(text: str) -> list[_Part]:
    """Letters and digits in turn. `~` is before the end, the end before letters, letters before all else."""
    found = _PARTS.findall(text)
    return [((*map(_order, letters), 0), int(digits or 0)) for letters, digits in found if letters or digits]


def _order(character: str) -> int:
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 256


def satisfies(have: str, relation: str, wanted: str) -> bool:
    """Whether the version `have` stands in `relation` (`<<`, `<=`, `=`, `>=`, `>>`, or none) to `wanted`."""
    if not relation:
        return True
    left, right = Version(have), Version(wanted)
    return {
        "<<": left < right,
        "<=": left <= right,
        "=": left == right,
        ">=": left >= right,
        ">>": left > right,
    }[relation]
