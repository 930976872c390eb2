"""The flags of one action: `--key=value`, one a line, as the rules write them into a flag file.

Every key must be read by someone: a missing key is an error when it is asked for, an unknown one when `finish` is
called, which the worker does after the action has returned (an action may do it itself, before it works).

A key that starts with `output_` declares an output: its value is that output's path, or `name=path`. The worker hands
the action a private path in its stead and moves the result into place at the end, so an action writes exactly there and
never beside it.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

OUTPUT_PREFIX = "output_"

# Keys that the worker itself acts on. Actions may read them too.
COMMON_KEYS = frozenset({"action", "label", "python_path", "threads", "isa", "timeout_s"})

_FLAG = re.compile(r"--([a-z][a-z0-9_]*)=(.*)", re.DOTALL)


def split_name(value: str) -> tuple[str | None, str]:
    """Splits `name=path` into both, and a path alone into None and itself. Bazel's paths have a slash, names none."""
    name, equals, path = value.partition("=")
    return (name, path) if equals and "/" not in name else (None, value)


class ArgumentsError(ValueError):
    """A flag that is malformed, missing, repeated or unknown: always a mistake in the rule that wrote the flag file."""


class Arguments:
    """Parsed flags. Values are text; the accessors check how often a key was given and what it holds."""

    def __init__(self, values: Mapping[str, Sequence[str]], directory: Path) -> None:
        """Takes the values of each key in their order, and the absolute directory that relative paths are relative
        to."""
        self._values = {key: tuple(found) for key, found in values.items()}
        self._directory = directory
        self._read: set[str] = set()

    @classmethod
    def parse(cls, lines: Iterable[str], directory: Path) -> "Arguments":
        """Parses flag lines. Blank lines are ignored.

        Raises:
            ArgumentsError: a line is not `--key=value`.
        """
        values: dict[str, list[str]] = {}
        for line in lines:
            if not line.strip():
                continue
            match = _FLAG.fullmatch(line)
            if match is None:
                raise ArgumentsError(f"{line[:200]!r} is not of the form --key=value")
            values.setdefault(match[1], []).append(match[2])
        return cls(values, directory)

    @property
    def directory(self) -> Path:
        """The absolute directory that relative paths are relative to."""
        return self._directory

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key given, in the order of its first appearance."""
        return tuple(self._values)

    def many(self, key: str) -> list[str]:
        """Every value of `key`, in order; empty when it was not given."""
        self._read.add(key)
        return list(self._values.get(key, ()))

    def optional(self, key: str) -> str | None:
        """The value of `key`, or None when it was not given. Raises ArgumentsError when it was given twice."""
        values = self.many(key)
        if len(values) > 1:
            raise ArgumentsError(f"--{key} was given {len(values)} times, and one is the most")
        return values[0] if values else None

    def one(self, key: str) -> str:
        """The value of `key`. Raises ArgumentsError when it is missing or was given twice."""
        value = self.optional(key)
        if value is None:
            raise ArgumentsError(f"--{key} is missing")
        return value

    def integer(self, key: str, default: int | None = None) -> int:
        """The value of `key` as a decimal integer; `default`, where there is one, when it was not given."""
        text = self.optional(key) if default is not None else self.one(key)
        if text is None:
            assert default is not None
            return default
        try:
            return int(text)
        except ValueError:
            raise ArgumentsError(f"--{key}={text[:200]} is not an integer") from None

    def boolean(self, key: str, default: bool | None = None) -> bool:
        """The value of `key`, spelled 0 or 1; `default`, where there is one, when it was not given."""
        text = self.optional(key) if default is not None else self.one(key)
        if text is None:
            assert default is not None
            return default
        if text not in ("0", "1"):
            raise ArgumentsError(f"--{key}={text[:200]} is neither 0 nor 1")
        return text == "1"

    def json(self, key: str) -> Any:
        """The value of `key` decoded from JSON."""
        return self._decode(key, self.one(key))

    def optional_json(self, key: str) -> Any:
        """The value of `key` decoded from JSON, or None when it was not given."""
        text = self.optional(key)
        return None if text is None else self._decode(key, text)

    def path(self, key: str) -> Path:
        """The value of `key` as an absolute path."""
        return self.resolve(self.one(key))

    def optional_path(self, key: str) -> Path | None:
        """The value of `key` as an absolute path, or None when it was not given."""
        text = self.optional(key)
        return None if text is None else self.resolve(text)

    def paths(self, key: str) -> list[Path]:
        """Every value of `key` as an absolute path, in order."""
        return [self.resolve(text) for text in self.many(key)]

    def named_paths(self, key: str) -> dict[str, Path]:
        """The values of a key whose values are all `name=path`: absolute paths by name, in order."""
        found: dict[str, Path] = {}
        for value in self.many(key):
            name, path = split_name(value)
            if name is None or name in found:
                raise ArgumentsError(
                    f"--{key}={value[:200]} {'is not name=path' if name is None else 'repeats its name'}"
                )
            found[name] = self.resolve(path)
        return found

    def resolve(self, text: str) -> Path:
        """Makes a path found inside a structured value absolute. Links are left as they are."""
        if not text:
            raise ArgumentsError("a path is empty")
        return self._directory / text

    def finish(self) -> None:
        """Raises ArgumentsError when a key was given that nobody has read."""
        unknown = [f"--{key}" for key in self._values if key not in self._read and key not in COMMON_KEYS]
        if unknown:
            raise ArgumentsError(f"{', '.join(unknown)} is not a flag of this action")

    @staticmethod
    def _decode(key: str, text: str) -> Any:
        try:
            return json.loads(text)
        except ValueError as error:
            raise ArgumentsError(f"--{key} is not JSON: {error}") from None
