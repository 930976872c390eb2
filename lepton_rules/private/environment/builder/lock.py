"""Reads a hash-locked requirements file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lepton_rules.private.environment.builder.refusal import Refusal

_REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?P<extras>\[[^\]]*\])?\s*(?P<rest>==\s*[^\s;]+|@\s*\S+)?"
)
_HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})(?=\s|$)")


@dataclass(frozen=True)
class Requirement:
    """One locked package: `name` normalised as PEP 503 says, `text` the whole requirement on one line, with its
    hashes.
    """

    name: str
    text: str


def normalise(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read(file: Path, shown: str, relock: str) -> tuple[Requirement, ...]:
    """The requirements of the lock `file`, in its order. Messages call it `shown` and give the command `relock`.

    Refuses what would make the lock mean different things on two machines: a requirement with no version or no hash,
    another file (`-r`, `-c`), an editable install, an index.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal(f"lock {shown}", f"it cannot be read ({error})", f"Write it again: {relock}") from error
    found = []
    for number, line in _logical_lines(text):
        if line.startswith("-"):
            option = line.split()[0].split("=")[0]
            raise Refusal(
                f"lock {shown}",
                f"line {number} is an option of pip's ({option}), and a lock holds requirements alone",
                "Remove the line; name an index in pip's configuration or in package_indexes",
            )
        found.append(_requirement(shown, number, line, relock))
    return tuple(found)


def _requirement(shown: str, number: int, line: str, relock: str) -> Requirement:
    matched = _REQUIREMENT.match(line)
    if not matched:
        raise Refusal(
            f"lock {shown}",
            f"line {number} is not a requirement ({line[:60]!r})",
            f"Write the lock again: {relock}",
        )
    if not matched["rest"]:
        raise Refusal(
            f"lock {shown}", f"{matched['name']} has no version (line {number})", f"Write the lock again: {relock}"
        )
    if not _HASH.search(line):
        raise Refusal(
            f"lock {shown}",
            f"{matched[0].strip()} has no --hash (line {number})",
            f"Write the lock again: {relock}",
        )
    return Requirement(normalise(matched["name"]), line)


def _logical_lines(text: str) -> list[tuple[int, str]]:
    """Lines with continuations joined and comments dropped, each with the number of its first line."""
    lines: list[tuple[int, str]] = []
    parts: list[str] = []
    start = 0
    for number, raw in enumerate(text.splitlines(), start=1):
        line = re.sub(r"(^|\s)#.*$", "", raw).strip()
        if not parts:
            start = number
        continued = line.endswith("\\")
        parts.append(line.rstrip("\\").strip())
        if not continued:
            joined = " ".join(part for part in parts if part)
            if joined:
                lines.append((start, joined))
            parts = []
    if any(parts):
        lines.append((start, " ".join(part for part in parts if part)))
    return lines
