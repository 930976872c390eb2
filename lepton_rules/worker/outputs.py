"""Where an action writes, and what of it becomes an output.

An action gets, in place of each declared output, a path in a private directory beside it (`Staging`), and an empty
working directory (`Scratch`). So a declared output exists only when the action has succeeded, whole, moved by a
rename in one file system, even if the worker is killed at any time; and whatever lies beside an output was written
there by this action and no other.
"""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path

from lepton_rules.actions.arguments import OUTPUT_PREFIX, Arguments
from lepton_rules.worker.messages import Failure, listed


class Scratch:
    """The working directory of one action, empty at the start, with a directory for temporary files in it."""

    def __init__(self) -> None:
        # In the system's own temporary directory rather than beside the outputs, because the path of a UNIX socket,
        # which Python's multiprocessing puts there, has at most 107 bytes.
        self.directory = Path(tempfile.mkdtemp(prefix="lepton-"))
        self.temporary = self.directory / "tmp"
        self.temporary.mkdir()

    def check(self) -> None:
        """Raises Failure when something other than temporary files was written."""
        stray = sorted(entry.name for entry in self.directory.iterdir() if entry != self.temporary)
        if stray:
            raise Failure(
                f"it wrote beside its output: {listed(stray)} in its working directory",
                "Write only to the declared outputs, or to a temporary file (Python's tempfile)",
            )

    def remove(self) -> None:
        """Removes the directory and all that is in it."""
        remove(self.directory)


class Staging:
    """The private paths that stand for the declared outputs of one action."""

    def __init__(self, arguments: Arguments) -> None:
        """Makes the private directory. Raises Failure when an output cannot be written."""
        self._declared = [
            (key, path) for key in arguments.keys if key.startswith(OUTPUT_PREFIX) for path in arguments.paths(key)
        ]
        self._directory: Path | None = None
        self._staged: list[Path] = []
        if not self._declared:
            return
        parent = self._declared[0][1].parent
        try:
            self._directory = Path(tempfile.mkdtemp(prefix=".lepton-", dir=parent))
            for index, (_, path) in enumerate(self._declared):
                holder = self._directory / str(index)
                holder.mkdir()
                self._staged.append(holder / path.name)
                # Bazel makes the directory of a directory output, and nothing for a file output: the action finds the
                # same here.
                if path.is_dir():
                    self._staged[-1].mkdir()
        except OSError as error:
            self.remove()
            raise Failure(
                f"its outputs cannot be written: {error.strerror}: {parent}",
                "Make the output directory writable and see that the disk has space",
            ) from None

    @property
    def directory(self) -> Path | None:
        """The private directory, or None when the action declares no output."""
        return self._directory

    def redirect(self, lines: Iterable[str]) -> list[str]:
        """The flag lines of an action with its outputs' values replaced by the private paths."""
        staged = iter(self._staged)
        # The paths were gathered key by key, so they are given out key by key.
        queues: dict[str, list[Path]] = {}
        for key, _ in self._declared:
            queues.setdefault(key, []).append(next(staged))
        redirected = []
        for line in lines:
            key = line.partition("=")[0].removeprefix("--")
            redirected.append(f"--{key}={queues[key].pop(0)}" if key in queues else line)
        return redirected

    def readable(self, text: str) -> str:
        """Replaces the private paths in a message by the declared ones."""
        for (_, path), staged in zip(self._declared, self._staged, strict=True):
            text = text.replace(str(staged), str(path))
        return text

    def check(self) -> None:
        """Raises Failure unless every output is there, made of plain files and directories, with nothing beside it."""
        for (key, path), staged in zip(self._declared, self._staged, strict=True):
            stray = sorted(entry.name for entry in staged.parent.iterdir() if entry.name != path.name)
            if stray:
                raise Failure(
                    f"it wrote beside its output {path.name} (--{key}): {listed(stray)}",
                    "Write only to the declared outputs, or to a temporary file (Python's tempfile)",
                )
            if not os.path.lexists(staged):
                raise Failure(f"it did not write its output {path.name} (--{key})", "Write it before returning")
            _check_kinds(key, path, staged)

    def publish(self) -> None:
        """Moves the checked outputs to where they were declared. Raises Failure when that cannot be done."""
        for (key, path), staged in zip(self._declared, self._staged, strict=True):
            try:
                clear(path)
                _move(staged, path)
            except OSError as error:
                raise Failure(
                    f"its output {path.name} (--{key}) cannot be put in place: {error.strerror}",
                    "Make the output directory writable and see that the disk has space",
                ) from None

    def clear_declared(self) -> None:
        """Removes whatever lies at the declared paths, so that a failed action leaves nothing."""
        for _, path in self._declared:
            clear(path)

    def remove(self) -> None:
        """Removes the private directory and all that is in it."""
        if self._directory is not None:
            remove(self._directory)


def clear(path: Path) -> None:
    """Removes a file or link, or empties a directory, so that nothing of an earlier or failed run is left there."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(mode):
        path.unlink()
        return
    for entry in path.iterdir():
        remove(entry)


def remove(path: Path) -> None:
    """Removes a file or a whole directory, also one whose permissions were taken away."""
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    for directory, _, _ in os.walk(path):
        Path(directory).chmod(0o700)
        for entry in Path(directory).iterdir():
            if entry.is_dir() and not entry.is_symlink():
                entry.chmod(0o700)
    shutil.rmtree(path, ignore_errors=True)


def _check_kinds(key: str, path: Path, staged: Path) -> None:
    """Links and devices are no outputs: they mean nothing, or something else, in a cache and on another machine."""
    files = 0
    for entry in [staged, *sorted(staged.rglob("*"))] if staged.is_dir() and not staged.is_symlink() else [staged]:
        mode = entry.lstat().st_mode
        files += stat.S_ISREG(mode)
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            kind = "a link" if stat.S_ISLNK(mode) else "neither a file nor a directory"
            name = path.name if entry == staged else f"{path.name}/{entry.relative_to(staged)}"
            raise Failure(f"its output {name} (--{key}) is {kind}", "Write plain files and directories")
    if not files:
        raise Failure(f"it left its output {path.name} (--{key}) empty", "Write it before returning")


def _move(source: Path, target: Path) -> None:
    try:
        source.rename(target)
    except OSError:
        # Another file system, which only a hand-written command can ask for.
        if target.is_dir():
            target.rmdir()
        shutil.move(source, target)
