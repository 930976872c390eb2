"""Where a search keeps what it found out: outside of the workspace, unless the user says where."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lepton_rules.plugin.errors import LeptonError

_DIGITS = 12


class State:
    """A folder of one artifact.

    study.journal: Optuna's, one study for each space and objective. measured.jsonl: measurements by what was measured.
    batches/: the generated targets. Deleting the folder loses what was measured; what was built is in Bazel's caches.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = folder / "study.journal"
        self.measured = folder / "measured.jsonl"
        self.events = folder / "events.json"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LeptonError(
                "tune", f"the state folder {folder} cannot be made ({error})", "Give another with --state"
            ) from error

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Only one search at a time. Raises LeptonError when there is another."""
        with (self.folder / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise LeptonError(
                    "tune", f"another search of this artifact runs in {self.folder}", "Wait for it, or end it"
                ) from error
            yield

    def batch(self, build_file: str) -> Path:
        """A folder with a repository of that BUILD file. Its path is by content: Bazel looks for no edits in it."""
        digest = hashlib.sha256(build_file.encode()).hexdigest()[:_DIGITS]
        folder = self.folder / "batches" / digest
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in {"REPO.bazel": "", "BUILD.bazel": build_file}.items():
            if not (folder / name).exists() or (folder / name).read_text("utf-8") != content:
                (folder / name).write_text(content, "utf-8")
        return folder


def default_folder(facts: Mapping[str, Any], workspace: Path, environment: Mapping[str, str]) -> Path:
    """`lepton_rules/tune/<workspace>/<package>/<name>` in XDG_STATE_HOME, or ~/.local/state."""
    home = environment.get("XDG_STATE_HOME", "")
    if not home:
        if not environment.get("HOME"):
            raise LeptonError("tune", "neither HOME nor XDG_STATE_HOME is set", "Set one, or give --state")
        home = str(Path(environment["HOME"]) / ".local" / "state")
    place = f"{workspace.name}-{hashlib.sha256(str(workspace).encode()).hexdigest()[:8]}"
    return Path(home) / "lepton_rules" / "tune" / place / str(facts["package"]) / str(facts["name"])
