"""The command line of the programs here: `--key=value`, also from a file, and errors in one line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lepton_rules.plugin.errors import LeptonError


class Flags:
    """Values by key, in their order; a key that nobody reads is an error."""

    def __init__(self, words: Sequence[str]) -> None:
        self._values: dict[str, list[str]] = {}
        self._read: set[str] = set()
        for word in words:
            # A line ends at a line feed alone: what else Unicode calls a line break may be in a value.
            for line in Path(word[1:]).read_text("utf-8").split("\n") if word.startswith("@") else [word]:
                if not line:
                    continue
                key, equals, value = line.partition("=")
                if not key.startswith("--") or not equals:
                    raise ValueError(f"{line[:200]!r} is not of the form --key=value")
                self._values.setdefault(key[2:], []).append(value)

    def many(self, key: str) -> list[str]:
        """Returns every value of `key`."""
        self._read.add(key)
        return list(self._values.get(key, ()))

    def optional(self, key: str, default: str = "") -> str:
        """Returns the value of `key`, or `default`."""
        values = self.many(key)
        if len(values) > 1:
            raise ValueError(f"--{key} was given {len(values)} times, and one is the most")
        return values[0] if values else default

    def one(self, key: str) -> str:
        """Returns the value of `key`."""
        if not self.many(key):
            raise ValueError(f"--{key} is missing")
        return self.optional(key)

    def path(self, key: str) -> Path:
        """Returns the value of `key` as a path."""
        return Path(self.one(key))

    def paths(self, key: str) -> list[Path]:
        """Returns every value of `key` as a path."""
        return [Path(value) for value in self.many(key)]

    def pairs(self, key: str) -> list[tuple[str, str]]:
        """Returns every value of `key`, `name=value`, as both."""
        found = []
        for value in self.many(key):
            name, equals, rest = value.partition("=")
            if not equals:
                raise ValueError(f"--{key}={value[:200]} is not name=value")
            found.append((name, rest))
        return found

    def finish(self) -> None:
        """Raises ValueError when a key was given that nobody has read."""
        unknown = sorted(self._values.keys() - self._read)
        if unknown:
            raise ValueError(f"--{unknown[0]} is no flag of this program")


def run(program: Callable[[Flags], None], words: Sequence[str]) -> int:
    """Runs a program. What the user can mend is told in one line, with the label of --label."""
    label = ""
    try:
        flags = Flags(words)
        label = flags.optional("label")
        program(flags)
    except LeptonError as error:
        print(error.with_label(label) if label else error, file=sys.stderr)
        return 1
    except BrokenPipeError:
        return 1
    return 0


def compact_json(value: Any) -> bytes:
    """Returns JSON with one spelling: sorted keys, no spaces, UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def read_json(path: Path, what: str) -> Any:
    """Reads a file of JSON. Raises LeptonError where it is none."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise LeptonError(what, f"{path.name} is no JSON: {error}", "Build it again, or fetch it again") from error
