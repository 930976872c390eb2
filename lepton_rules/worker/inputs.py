"""Whether an action's inputs stayed what they were while it read them.

Bazel digests an input before the action, and files what the action made under that digest. If the file is edited in
between, a disk or remote cache would give the wrong result to whoever has the old file, for as long as it lives (seen:
Bazel guards against it only with --experimental_guard_against_concurrent_changes).
"""

import os
from collections.abc import Iterable
from pathlib import Path

from lepton_rules.worker.messages import Failure, count, listed


class Inputs:
    """The input files of one action, as they are when it begins."""

    def __init__(self, paths: Iterable[str], directory: Path) -> None:
        """Takes the paths of a request's inputs, and the absolute directory that they are relative to."""
        self._directory = str(directory)
        self._before = {path: self._state(path) for path in paths}

    def check(self) -> None:
        """Raises Failure when one of them is another file now, or has another content."""
        changed = sorted(path for path, state in self._before.items() if self._state(path) != state)
        if changed:
            what = count(len(changed), "input", "inputs")
            raise Failure(f"{what} changed while it ran: {listed(changed)}", "Build again")

    def _state(self, path: str) -> tuple[int, int, int] | None:
        """What changes when a file is written or replaced; None for a file that is not there."""
        try:
            found = os.stat(os.path.join(self._directory, path))  # noqa: PTH116,PTH118  # A few hundred for each action.
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns
