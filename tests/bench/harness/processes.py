"""The memory of a process and of all that it has started."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """A process: its command line, and its memory in bytes, resident and proportional (shared pages divided among
    those who share them)."""

    command: str
    resident: int
    proportional: int


def tree(root: int) -> dict[int, Process]:
    """A process and its descendants, by their numbers. What ends while it is looked at is left out."""
    children: dict[int, list[int]] = {}
    for number in _numbers():
        try:
            # The name stands in brackets and may hold spaces; the parent is the second word behind it.
            text = (_PROC / str(number) / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        children.setdefault(int(text.rpartition(")")[2].split()[1]), []).append(number)
    found, open_ = {}, [root]
    while open_:
        number = open_.pop()
        open_ += children.get(number, [])
        try:
            found[number] = _process(_PROC / str(number))
        except (OSError, KeyError):
            continue
    return found


def _numbers() -> Iterator[int]:
    return (int(folder.name) for folder in _PROC.iterdir() if folder.name.isdigit())


def _process(folder: Path) -> Process:
    command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    lines = (folder / "smaps_rollup").read_text(encoding="ascii").splitlines()[1:]
    sizes = {name: int(value.split()[0]) * 1024 for name, _, value in (line.partition(":") for line in lines)}
    return Process(command, sizes["Rss"], sizes["Pss"])
