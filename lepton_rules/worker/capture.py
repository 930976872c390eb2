"""Keeps the end of what a process prints, in bounded memory."""

from collections import deque

# Bazel shows at most 1 MiB of an action's output by default, and a message longer than that not at all.
_KEPT = 256 * 2**10


class Tail:
    """The last bytes of a stream."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._kept = kept
        self._pieces: deque[bytes] = deque()
        self._held = 0
        self._dropped = 0

    def append(self, data: bytes) -> None:
        """Takes the next bytes of the stream."""
        self._pieces.append(data)
        self._held += len(data)
        while self._held - len(self._pieces[0]) >= self._kept:
            first = self._pieces.popleft()
            self._held -= len(first)
            self._dropped += len(first)

    def text(self) -> str:
        """What was kept, decoded, after a line that says how much is missing, if anything is."""
        data = b"".join(self._pieces)
        dropped = self._dropped + max(0, len(data) - self._kept)
        text = data[-self._kept :].decode("utf-8", "replace")
        return f"[{dropped} bytes of output left out]\n{text}" if dropped else text
