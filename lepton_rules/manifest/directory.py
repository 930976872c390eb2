"""The digest of a directory: of its files' names and bytes, of nothing else."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

from lepton_rules.manifest.canonical import canonical_json
from lepton_rules.plugin.errors import LeptonError

# One segment of a file's path. ASCII, because a name with two Unicode spellings has two digests; no space, because
# paths travel through flag files and layer archives.
_SEGMENT = re.compile(r"[A-Za-z0-9._+@=,-]{1,255}", re.ASCII)
_CHUNK = 1 << 20

# Where each known format keeps its weights, in the order of precedence.
_WEIGHTS: Mapping[str, tuple[str, ...]] = {
    "pytorch": ("weights.safetensors",),
    "onnx": ("model.onnx.data", "model.onnx"),
}


class FileEntry(TypedDict):
    """One file of a model: the SHA-256 of its bytes in hex, and their number."""

    sha256: str
    bytes: int


def table_digest(files: Mapping[str, FileEntry]) -> str:
    """Returns `sha256:<hex>` of a files table."""
    return "sha256:" + hashlib.sha256(canonical_json(files).encode()).hexdigest()


def digest_directory(path: Path) -> tuple[dict[str, FileEntry], str]:
    """Hashes every file under `path`, a directory that an action has just written.

    Returns:
        The files table, relative path to digest and size, and the table's own digest, `sha256:<hex>`.

    Raises:
        LeptonError: it holds a link, a FIFO, a socket or a device, a name that is not plain ASCII, or nothing at all.
            Links are refused because a cache or a remote machine would carry what they point at, or not.
    """
    files: dict[str, FileEntry] = {}
    _walk(path, "", files)
    if not files:
        raise LeptonError(
            f"model directory {path.name}", "it holds no file", "Write the model into the output directory"
        )
    files = dict(sorted(files.items()))
    return files, table_digest(files)


def _walk(directory: Path, prefix: str, files: dict[str, FileEntry]) -> None:
    with os.scandir(directory) as entries:
        for entry in sorted(entries, key=lambda e: e.name):
            name = prefix + entry.name
            what = f"model file {name!r}"
            if not _SEGMENT.fullmatch(entry.name):
                raise LeptonError(what, "its name is not plain", "Use ASCII letters, digits and . _ + @ = , - alone")
            mode = entry.stat(follow_symlinks=False).st_mode
            if stat.S_ISDIR(mode):
                _walk(Path(entry.path), name + "/", files)
            elif stat.S_ISREG(mode):
                files[name] = _entry(entry.path)
            else:
                kind = "a link" if stat.S_ISLNK(mode) else "neither a file nor a directory"
                raise LeptonError(what, f"it is {kind}", "Write a plain file with the bytes themselves")


def _entry(path: str) -> FileEntry:
    digest = hashlib.sha256()
    size = 0
    # O_NOFOLLOW and O_NONBLOCK: what was a plain file a moment ago may be a link or a FIFO now.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return {"sha256": digest.hexdigest(), "bytes": size}


def weights_digest(format: str, files: Mapping[str, FileEntry]) -> str:
    """Returns `sha256:<hex>` of the weights' file; for a format not known here, of the whole files table.

    Raises:
        LeptonError: the format is known, and its weights' file is not in the table.
    """
    if format not in _WEIGHTS:
        return table_digest(files)
    for name in _WEIGHTS[format]:
        if name in files:
            return "sha256:" + files[name]["sha256"]
    raise LeptonError(
        f"model in format {format}", f"it has no {_WEIGHTS[format][-1]}", f"Write the weights to {_WEIGHTS[format][-1]}"
    )
