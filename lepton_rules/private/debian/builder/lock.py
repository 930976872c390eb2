"""The file that pins a base's packages: JSON, which Starlark reads too.

    {
      "schema_version": 1,
      "command": "bazel run …",
      "suites": ["bookworm", "bookworm-updates", "bookworm-security"],
      "packages": [
        {"name", "version", "architecture": "amd64", "suite", "file": "pool/…", "size": bytes, "sha256": hex}, …
      ]
    }

A package for all architectures has its own entry for each. No mirror's address and no time is in it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from lepton_rules.private.debian.builder.closure import Package

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Locked:
    """One line of the lock. `architecture` is the one that it is for, also where the package is for all."""

    name: str
    version: str
    architecture: str
    suite: str
    file: str
    size: int
    sha256: str

    @staticmethod
    def of(package: Package, architecture: str) -> Locked:
        """The line for a package of an index."""
        return Locked(
            package.name, package.version, architecture, package.suite, package.file, package.size, package.sha256
        )


def text(command: str, suites: Sequence[str], packages: Sequence[Locked]) -> str:
    """The lock's text, a package a line."""
    lines = []
    for item in sorted(packages, key=lambda item: (item.name, item.architecture)):
        lines.append("    " + json.dumps(vars(item)))
    head = {"schema_version": SCHEMA_VERSION, "command": command, "suites": list(suites)}
    fields = [f'  "{key}": {json.dumps(value)}' for key, value in head.items()]
    return "{\n" + ",\n".join(fields) + ',\n  "packages": [\n' + ",\n".join(lines) + "\n  ]\n}\n"
