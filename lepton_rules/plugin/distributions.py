"""The distributions that Python finds here, read once for each directory of sys.path."""

from __future__ import annotations

import functools
import importlib.metadata
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Distribution:
    """An installed distribution.

    Args:
        name: as its metadata spell it.
        version: of the distribution.
        entry_points: all that it declares.
    """

    name: str
    version: str
    entry_points: tuple[importlib.metadata.EntryPoint, ...]

    @property
    def key(self) -> str:
        """The name as locks and manifests write it."""
        return self.name.lower().replace("_", "-")


def installed() -> tuple[Distribution, ...]:
    """Every distribution on sys.path; of one name the first alone, as Python would import it.

    A worker's children inherit what their parent has read: to read the metadata of a whole environment takes as long as
    the rest of a small action.
    """
    found: dict[str, Distribution] = {}
    for directory in sys.path:
        try:
            changed_ns = Path(directory).stat().st_mtime_ns
        except OSError:
            continue
        for distribution in _in(directory, changed_ns):
            found.setdefault(distribution.key, distribution)
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
            found.append(Distribution(fields["Name"], fields["Version"], tuple(distribution.entry_points)))
    return tuple(found)
