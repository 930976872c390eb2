"""Debian's control files: paragraphs of fields."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_CLAUSE = re.compile(
    r"\s*(?P<name>[a-zA-Z0-9][a-zA-Z0-9+.-]*)(?::[a-z0-9-]+)?"
    r"\s*(?:\(\s*(?P<relation><<|<=|=|>=|>>)\s*(?P<version>[^\s)]+)\s*\))?.*",
    re.DOTALL,
)


@dataclass(frozen=True)
class Clause:
    """A package that another one wants, in a version that stands in `relation` to `version`."""

    name: str
    relation: str = ""
    version: str = ""


def paragraphs(text: str) -> Iterator[dict[str, str]]:
    """Each paragraph's fields, by their names as written. Further lines of a field keep their first space."""
    for paragraph in text.split("\n\n"):
        fields: dict[str, str] = {}
        name = ""
        for line in paragraph.splitlines():
            if line[:1] in (" ", "\t"):
                fields[name] = f"{fields.get(name, '')}\n{line}"
            elif ":" in line:
                name, _, value = line.partition(":")
                fields[name] = value.strip()
        if fields:
            yield fields


def relations(text: str) -> list[list[Clause]]:
    """What `Depends` or `Provides` say: for each group the alternatives, the first first."""
    groups = []
    for group in text.split(","):
        alternatives = []
        for alternative in group.split("|"):
            matched = _CLAUSE.fullmatch(alternative)
            if matched:
                alternatives.append(Clause(matched["name"], matched["relation"] or "", matched["version"] or ""))
        if alternatives:
            groups.append(alternatives)
    return groups
