"""A small Debian archive on disk: packages made by hand, and lists of them."""

from __future__ import annotations

import hashlib
import io
import lzma
import tarfile
from collections.abc import Mapping
from pathlib import Path


def tar(files: Mapping[str, str | bytes | tuple[str, str] | None]) -> bytes:
    """A tarball of files by path; None is a directory, and `("link", target)` or `("hard", target)` a link."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for path, content in files.items():
            info = tarfile.TarInfo(f"./{path}")
            info.mode = 0o755 if content is None or path.startswith("usr/bin/") else 0o644
            info.mtime = 1234567890
            if content is None:
                info.type = tarfile.DIRTYPE
                archive.addfile(info)
            elif isinstance(content, tuple):
                info.type = tarfile.SYMTYPE if content[0] == "link" else tarfile.LNKTYPE
                info.linkname = content[1]
                archive.addfile(info)
            else:
                body = content.encode() if isinstance(content, str) else content
                info.size = len(body)
                archive.addfile(info, io.BytesIO(body))
    return out.getvalue()


def member(name: str, body: bytes) -> bytes:
    """A member of an ar archive."""
    header = f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(body):<10}`\n".encode()
    return header + body + b"\n" * (len(body) % 2)


def deb(name: str, version: str, files: Mapping[str, str | bytes | tuple[str, str] | None], depends: str = "") -> bytes:
    """A package."""
    control = f"Package: {name}\nVersion: {version}\nArchitecture: amd64\n"
    control += f"Depends: {depends}\n" if depends else ""
    control += "Description: short\n and\n long\n"
    return b"!<arch>\n" + b"".join(
        [
            member("debian-binary", b"2.0\n"),
            member("control.tar.xz", lzma.compress(tar({"control": control}))),
            member("data.tar.xz", lzma.compress(tar(files))),
        ]
    )


class Archive:
    """An archive below `folder`, with the suite `bookworm`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._paragraphs: dict[str, str] = {}

    @property
    def address(self) -> str:
        """What a mirror's address is."""
        return self.folder.as_uri()

    def add(self, name: str, version: str, depends: str = "", provides: str = "") -> dict[str, object]:
        """Puts a package in the pool and in the list; its line of a lock."""
        body = deb(name, version, {f"usr/share/{name}/version": version}, depends)
        file = f"pool/main/{name}/{name}_{version}_amd64.deb"
        (self.folder / file).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / file).write_bytes(body)
        digest = hashlib.sha256(body).hexdigest()
        fields = {
            "Package": name,
            "Version": version,
            "Architecture": "amd64",
            "Depends": depends,
            "Provides": provides,
        }
        fields |= {"Filename": file, "Size": str(len(body)), "SHA256": digest, "Description": "short\n long"}
        self._paragraphs[name] = "".join(f"{key}: {value}\n" for key, value in fields.items() if value)
        self._write_lists()
        return {
            "name": name, "version": version, "architecture": "amd64", "suite": "bookworm",
            "file": file, "size": len(body), "sha256": digest,
        }  # fmt: skip

    def remove(self, file: str) -> None:
        """Takes a file out of the pool, as a mirror does when a newer one has come."""
        (self.folder / file).unlink()

    def _write_lists(self) -> None:
        lists = "\n".join(self._paragraphs.values()).encode()
        folder = self.folder / "dists/bookworm/main/binary-amd64"
        folder.mkdir(parents=True, exist_ok=True)
        body = lzma.compress(lists)
        (folder / "Packages.xz").write_bytes(body)
        release = (
            f"Origin: Test\nSHA256:\n {hashlib.sha256(body).hexdigest()} {len(body)} main/binary-amd64/Packages.xz\n"
        )
        (self.folder / "dists/bookworm/InRelease").write_text(release, encoding="utf-8")
