"""The digest of a directory: what is in it, and nothing about where or when."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def digest(root: Path) -> str:
    """SHA-256, in hex, over every file's relative path, whether it may be executed, and its bytes, in the order of the paths.

    Links count as what they point to: they arrive so at a remote executor.
    """
    files = sorted((os.path.relpath(os.path.join(folder, name), root) for folder, _, names in os.walk(root) for name in names), key=os.fsencode)
    total = hashlib.sha256()
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for name, contents in zip(files, pool.map(lambda name: file_digest(root / name), files, chunksize=64), strict=True):
            executable = os.access(root / name, os.X_OK)
            total.update(os.fsencode(name) + (b"\0x\0" if executable else b"\0-\0") + contents.encode() + b"\n")
    return total.hexdigest()


def file_digest(file: Path) -> str:
    """SHA-256 of the file's bytes, in hex."""
    state = hashlib.sha256()
    with file.open("rb", buffering=0) as stream:
        while chunk := stream.read(1 << 20):
            state.update(chunk)
    return state.hexdigest()
