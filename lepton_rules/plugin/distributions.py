"""The distributions that Python finds here, read once for each directory of sys.path."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import sys
from dataclasses import dataclass

ENTRY_POINT_GROUP = "lepton_rules.plugins"


@dataclass(frozen=True)
class Distribution:
    """An installed distribution.

    Args:
        name: as locks and manifests write it: lower case, with hyphens.
        version: of the distribution.
        plugins: its entry points of the group `lepton_rules.plugins`.
    """

    name: str
    version: str
    plugins: tuple[importlib.metadata.EntryPoint, ...]


def installed() -> tuple[Distribution, ...]:
    """Every distribution on sys.path; of one name the first alone, as Python would import it.

    A worker's children inherit what their parent has read: to read the metadata of a whole environment takes as long as
    the rest of a small action.
    """
    found: dict[str, Distribution] = {}
    for directory in sys.path:
        try:
            changed_ns = os.stat(directory).st_mtime_ns  # noqa: PTH116  # For each action and directory of sys.path.
        except OSError:
            continue
        for distribution in _in(directory, changed_ns):
            found.setdefault(distribution.name, distribution)
    return tuple(found.values())


@functools.cache
def _in(directory: str, changed_ns: int) -> tuple[Distribution, ...]:
    """The distributions of a directory that was last changed at `changed_ns`, in nanoseconds since 1970."""
    found = []
    for distribution in importlib.metadata.distributions(path=[directory]):
        # Two header lines are wanted; `distribution.metadata` would parse a whole description.
        headers = (distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or "").partition("\n\n")[0]
        fields = dict(line.split(": ", 1) for line in headers.splitlines() if line.startswith(("Name: ", "Version: ")))
        if "Name" in fields and "Version" in fields:
            plugins = distribution.entry_points.select(group=ENTRY_POINT_GROUP)
            found.append(Distribution(fields["Name"].lower().replace("_", "-"), fields["Version"], tuple(plugins)))
    return tuple(found)
