"""A file that is hashed in the pass that writes it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

# Long enough that handing it to another thread costs nothing beside hashing it, short enough for the processor's cache.
CHUNK = 1 << 20


class Blob:
    """Writes a file and its SHA-256 together.

    What is copied from another file is hashed by a second thread while this one writes it and reads on (hashlib and
    files let go of the interpreter meanwhile), so that it takes as long as the slower of the two and not their sum.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=0)
        self._hash = hashlib.sha256()
        self._threads: ThreadPoolExecutor | None = None
        self._pending: Future[None] | None = None
        self.size = 0

    def __enter__(self) -> Blob:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def write(self, data: bytes | memoryview) -> None:
        """Appends `data`."""
        self._settle()
        self._hash.update(data)
        self._put(data)

    def copy(self, source: BinaryIO, size: int, also: Callable[[memoryview], None] | None = None) -> None:
        """Appends `size` bytes of `source`.

        Args:
            source: an unbuffered file.
            size: how many bytes; there must be so many, and no more.
            also: called with each part, in order.

        Raises:
            ValueError: the source has another size.
        """
        # Two buffers: one is hashed while the other is filled.
        buffers = [memoryview(bytearray(min(CHUNK, max(size, 1)))) for _ in range(2)]
        left, turn = size, 0
        while left:
            buffer = buffers[turn]
            count = source.readinto(buffer[: min(left, len(buffer))])  # type: ignore[attr-defined]
            if not count:
                raise ValueError(f"it ends {left} bytes early")
            part = buffer[:count]
            self._settle()
            self._hash_aside(part)
            if also:
                also(part)
            self._put(part)
            left -= count
            turn = 1 - turn
        if source.read(1):
            raise ValueError(f"it is longer than {size} bytes")

    def finish(self) -> str:
        """Closes the file and returns its digest, `sha256:…`."""
        self._settle()
        self.close()
        return f"sha256:{self._hash.hexdigest()}"

    def close(self) -> None:
        """Closes the file."""
        if self._threads:
            self._threads.shutdown()
            self._threads = None
        self._file.close()

    def _hash_aside(self, part: memoryview) -> None:
        if len(part) < CHUNK // 4:
            self._hash.update(part)
            return
        if self._threads is None:
            self._threads = ThreadPoolExecutor(1)
        self._pending = self._threads.submit(self._hash.update, part)

    def _settle(self) -> None:
        if self._pending:
            self._pending.result()
            self._pending = None

    def _put(self, data: bytes | memoryview) -> None:
        view = memoryview(data)
        self.size += len(view)
        while view:
            view = view[self._file.write(view) :]
