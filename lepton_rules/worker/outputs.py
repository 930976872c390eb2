"""Where an action writes, and what of it becomes an output.

An action gets, in place of each declared output, a path in a private directory beside it (`Staging`), and an empty
working directory (`Scratch`). So a declared output exists only when the action has succeeded, whole, moved by a
rename in one file system, even if the worker is killed at any time; and whatever lies beside an output was written
there by this action and no other.
"""

import contextlib
import hashlib
import itertools
import os
import shutil
import stat
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lepton_rules.actions.arguments import OUTPUT_PREFIX, split_name
from lepton_rules.worker.messages import Failure, listed

_NOT_BESIDE = "Write only to the declared outputs, or to a temporary file (Python's tempfile)"
_WRITABLE = "Make the output directory writable and see that the disk has space"


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
                _NOT_BESIDE,
            )

    def remove(self) -> None:
        """Removes the directory and all that is in it."""
        remove(self.directory)


@dataclass(frozen=True)
class _Output:
    """A declared output: its key, where it was declared, and the private path that stands for it."""

    key: str
    path: Path
    staged: Path

    def __str__(self) -> str:
        return f"output {self.path.name} (--{self.key})"


class Staging:
    """The private paths that stand for the declared outputs of one action.

    Attributes:
        directory: the private directory, or None when the action declares no output.
        lines: the action's flag lines, with the private paths in place of the declared ones.
    """

    def __init__(self, lines: Iterable[str], directory: Path) -> None:
        """Makes the private directory, and removes what is left at the declared paths from an earlier run.

        Args:
            lines: the action's flag lines.
            directory: the absolute directory that relative paths are relative to.

        Raises:
            Failure: an output cannot be written.
        """
        self.directory: Path | None = None
        self.lines: list[str] = []
        self._outputs: list[_Output] = []
        for line in lines:
            key, _, value = line.removeprefix("--").partition("=")
            if key.startswith(OUTPUT_PREFIX):
                name, path = split_name(value)
                staged = self._stage(key, directory / path)
                line = f"--{key}={staged}" if name is None else f"--{key}={name}={staged}"
            self.lines.append(line)

    def _stage(self, key: str, path: Path) -> Path:
        try:
            if self.directory is None:
                # An output has one action. What is there under its name was left when a worker was killed.
                prefix = f".lepton-{hashlib.sha256(path.name.encode()).hexdigest()[:16]}-"
                for stale in path.parent.glob(f"{prefix}*"):
                    remove(stale)
                self.directory = Path(tempfile.mkdtemp(prefix=prefix, dir=path.parent))
            holder = self.directory / str(len(self._outputs))
            holder.mkdir()
            self._outputs.append(_Output(key, path, holder / path.name))
            clear(path)
            # Bazel makes the directory of a directory output, and nothing for a file output: the action finds the same.
            if path.is_dir():
                self._outputs[-1].staged.mkdir()
        except OSError as error:
            self.remove()
            raise Failure(f"its output {path} cannot be written: {error.strerror}", _WRITABLE) from None
        return self._outputs[-1].staged

    def readable(self, text: str) -> str:
        """Replaces the private paths in a message by the declared ones."""
        for output in self._outputs:
            text = text.replace(str(output.staged), str(output.path))
        return text

    def check(self) -> None:
        """Raises Failure unless every output is there, made of plain files and directories, with nothing beside it."""
        for output in self._outputs:
            stray = sorted(entry.name for entry in output.staged.parent.iterdir() if entry.name != output.path.name)
            if stray:
                raise Failure(f"it wrote beside its {output}: {listed(stray)}", _NOT_BESIDE)
            _check_kinds(output)

    def publish(self) -> None:
        """Moves the checked outputs to where they were declared. Raises Failure when that cannot be done."""
        for output in self._outputs:
            try:
                clear(output.path)
                _move(output.staged, output.path)
            except OSError as error:
                raise Failure(f"its {output} cannot be put in place: {error.strerror}", _WRITABLE) from None

    def clear_declared(self) -> None:
        """Removes whatever lies at the declared paths, so that a failed action leaves nothing."""
        for output in self._outputs:
            with contextlib.suppress(OSError):
                clear(output.path)

    def remove(self) -> None:
        """Removes the private directory and all that is in it."""
        if self.directory is not None:
            remove(self.directory)


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
    """Removes a file or a whole directory, also one whose permissions were taken away, as far as the system lets it."""
    if path.is_symlink() or not path.is_dir():
        with contextlib.suppress(OSError):
            path.unlink()
        return
    with contextlib.suppress(OSError):
        _empty(path)
        path.rmdir()


def _empty(directory: Path) -> None:
    """Removes everything in a directory, whatever its permissions, without recursion and without long paths: a plugin
    can nest directories deeper than Python's own functions go. Directories are moved up before their parent is removed.
    """
    directory.chmod(0o700)
    fresh = (directory / f"{uuid.uuid4().hex}-{number}" for number in itertools.count())
    more = True
    while more:
        more = False
        for entry in list(directory.iterdir()):
            if entry.is_symlink() or not entry.is_dir():
                entry.unlink()
                continue
            entry.chmod(0o700)
            for inner in list(entry.iterdir()):
                if inner.is_symlink() or not inner.is_dir():
                    inner.unlink()
                else:
                    inner.chmod(0o700)
                    inner.rename(next(fresh))
                    more = True
            entry.rmdir()


def _check_kinds(output: _Output) -> None:
    """Links and devices are no outputs: they mean nothing, or something else, in a cache and on another machine."""
    files = 0
    for entry in _walk(output.staged):
        mode = entry.lstat().st_mode
        files += stat.S_ISREG(mode)
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            kind = "a link" if stat.S_ISLNK(mode) else "neither a file nor a directory"
            why = f"is {kind}" if entry == output.staged else f"holds {kind}, {str(entry.relative_to(output.staged))!r}"
            raise Failure(f"its {output} {why}", "Write plain files and directories")
    if not files:
        missing = "left empty" if output.staged.exists() else "not written"
        raise Failure(f"its {output} was {missing}", "Write it before returning")


def _walk(path: Path) -> Iterator[Path]:
    """A path, if there is something, and everything below it, in order. No link is followed."""
    if os.path.lexists(path):
        yield path
    for directory, directories, files in os.walk(path):
        directories.sort()
        yield from (Path(directory, name) for name in sorted([*directories, *files]))


def _move(source: Path, target: Path) -> None:
    try:
        source.rename(target)
    except OSError:
        # Another file system, which only a hand-written command can ask for.
        if target.is_dir():
            target.rmdir()
        shutil.move(source, target)
