"""The order of Debian's versions (Debian Policy, 5.6.12): `[epoch:]upstream[-revision]`."""

from __future__ import annotations

import re
from functools import total_ordering

_PARTS = re.compile(r"(\D*)(\d*)")


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
        self._key = (int(epoch), _key(upstream), _key(revision))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self._key == other._key

    def __lt__(self, other: Version) -> bool:
        return self._key < other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __repr__(self) -> str:
        return f"Version({self.text!r})"


def _key(text: str) -> tuple[tuple[tuple[int, ...], int], ...]:
    """Letters and digits in turn. `~` is before the end, the end before letters, letters before all else."""
    found = []
    for letters, digits in _PARTS.findall(text):
        if letters or digits:
            found.append((tuple(_order(character) for character in letters) + (0,), int(digits or 0)))
    # What ends here has an end where a longer one has `~`, a letter or a digit.
    return (*found, ((0,), 0))


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
