"""The digest of a directory: what is in it, and nothing about where or when."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def digest(root: Path) -> str:
    """SHA-256, in hex, over every file's relative path, whether it may be executed, and its bytes, ordered by path.

    Links count as what they point to: they arrive so at a remote executor.
    """
    files = sorted(files_of(root), key=lambda file: os.fsencode(file.relative_to(root)))
    total = hashlib.sha256()
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for file, contents in zip(files, pool.map(file_digest, files, chunksize=64), strict=True):
            executable = b"\0x\0" if os.access(file, os.X_OK) else b"\0-\0"
            total.update(os.fsencode(file.relative_to(root)) + executable + contents.encode() + b"\n")
    return total.hexdigest()


def file_digest(file: Path) -> str:
    """SHA-256 of the file's bytes, in hex."""
    state = hashlib.sha256()
    with file.open("rb", buffering=0) as stream:
        while chunk := stream.read(1 << 20):
            state.update(chunk)
    return state.hexdigest()


def files_of(folder: Path) -> list[Path]:
    """Every file below `folder`, sorted."""
    return sorted(Path(parent, name) for parent, _, names in os.walk(folder) for name in names)
