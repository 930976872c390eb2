"""A root file system in memory, and its tar: the same bytes wherever and whenever it is written.

Owner and group are 0, times are 0, entries are sorted, each directory stands before what is in it.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from lepton_rules.private.environment.builder.tree import files_of

_MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libo32", "libx32")


@dataclass(frozen=True)
class Entry:
    """A file (with its `content`), a link (with its `target`; neither followed nor read), or a directory."""

    mode: int
    content: bytes | None = None
    target: str | None = None

    @property
    def is_directory(self) -> bool:
        """Whether it is neither a file nor a link."""
        return self.content is None and self.target is None


class Clash(Exception):
    """Two packages have different things at one path."""


class Root:
    """Entries by path, relative to the root, without a slash at either end."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}

    def add(self, path: str, entry: Entry) -> None:
        """Puts `entry` at `path` as merged-/usr has it: what is below /lib is below /usr/lib.

        Raises:
          Clash: something else is there.
        """
        path = _merged(path)
        have = self.entries.get(path)
        if have is None or have == entry:
            self.entries[path] = entry
        elif not (have.is_directory and entry.is_directory):
            raise Clash(path)

    def take_folder(self, folder: Path, prefix: str) -> None:
        """Adds every file below `folder`, under `prefix`; 0755 for what anyone may execute, 0644 for the others."""
        for file in files_of(folder):
            mode = 0o755 if file.stat().st_mode & 0o111 else 0o644
            self.add(f"{prefix}/{file.relative_to(folder).as_posix()}", Entry(mode, content=file.read_bytes()))

    def set(self, path: str, content: str | bytes, mode: int = 0o644) -> None:
        """Writes a file, whatever is there."""
        body = content.encode() if isinstance(content, str) else content
        self.entries[_merged(path)] = Entry(mode, content=body)

    def finish(self) -> None:
        """Adds /bin, /lib and their like as links, and every directory that lies above something."""
        for name in _MERGED:
            if any(path.startswith(f"usr/{name}/") for path in self.entries):
                self.entries[name] = Entry(0o777, target=f"usr/{name}")
        for path in list(self.entries):
            parts = path.split("/")
            for count in range(1, len(parts)):
                self.entries.setdefault("/".join(parts[:count]), Entry(0o755))

    def drop_empty_directories(self, keep: Iterable[str]) -> None:
        """Removes directories with nothing in them, but for those of `keep`."""
        needed = set(keep)
        for path, entry in self.entries.items():
            if not entry.is_directory:
                parts = path.split("/")
                needed.update("/".join(parts[:count]) for count in range(1, len(parts)))
        for path in [path for path, entry in self.entries.items() if entry.is_directory and path not in needed]:
            del self.entries[path]

    def unpack(self, folder: Path) -> None:
        """Writes the files and links to `folder`, which exists."""
        for path, entry in self.entries.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if entry.content is not None:
                target.write_bytes(entry.content)
                target.chmod(entry.mode | 0o200)
            elif entry.target is not None:
                target.symlink_to(entry.target)

    def write(self, output: Path) -> None:
        """Writes the tar (GNU's dialect: names of any length, and no header that holds a time)."""
        with tarfile.open(output, "w", format=tarfile.GNU_FORMAT) as archive:
            for path in sorted(self.entries, key=lambda path: path.split("/")):
                entry = self.entries[path]
                info = tarfile.TarInfo(path + ("/" if entry.is_directory else ""))
                info.mode = entry.mode
                if entry.content is not None:
                    info.size = len(entry.content)
                    archive.addfile(info, io.BytesIO(entry.content))
                elif entry.target is not None:
                    info.type, info.linkname = tarfile.SYMTYPE, entry.target
                    archive.addfile(info)
                else:
                    info.type = tarfile.DIRTYPE
                    archive.addfile(info)

    def take_tar(self, body: bytes) -> None:
        """Adds everything of a package's tarball. A hard link becomes a second file; devices are refused.

        Raises:
          Clash: as `add`.
        """
        with tarfile.open(fileobj=io.BytesIO(body)) as archive:
            for member in archive:
                path = member.name.removeprefix("./").strip("/")
                if path in ("", "."):
                    continue
                if ".." in path.split("/"):
                    raise Clash(f"{path}, which leads out of the root")
                self.add(path, _entry(archive, member))


def _entry(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Entry:
    if member.isdir():
        return Entry(member.mode & 0o1777)
    if member.issym():
        return Entry(0o777, target=member.linkname)
    stream = archive.extractfile(member) if member.isfile() or member.islnk() else None
    if stream is None:
        raise Clash(f"{member.name}, a device")
    # No program of an image that runs without privileges gains any by these bits.
    return replace(Entry(member.mode & 0o777), content=stream.read())


def _merged(path: str) -> str:
    first, slash, _ = path.partition("/")
    return f"usr/{path}" if slash and first in _MERGED else path
