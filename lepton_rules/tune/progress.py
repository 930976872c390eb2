"""What is seen while a search runs: a bar on a terminal, plain lines anywhere else."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import TracebackType
from typing import Any, TextIO


class Progress:
    """Lines, and on a terminal a bar below them."""

    def __init__(self, total: int, stream: TextIO) -> None:
        self._stream = stream
        self._bar: Any = None
        if stream.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=total, unit="trial", file=stream, dynamic_ncols=True, smoothing=0)

    def say(self, line: str) -> None:
        """One line."""
        if self._bar is not None:
            self._bar.write(line, file=self._stream)
        else:
            print(line, file=self._stream, flush=True)

    def advance(self, count: int) -> None:
        """That many trials are done."""
        if self._bar is not None:
            self._bar.update(count)

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Takes the bar away while another program writes to the terminal, which would write behind it."""
        if self._bar is not None:
            self._bar.clear()
        try:
            yield
        finally:
            if self._bar is not None:
                self._bar.refresh()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
