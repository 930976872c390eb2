"""The resident set of this process and its peak, in bytes, as the kernel counts them."""

from __future__ import annotations

import contextlib
import resource
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


def reset_peak() -> int:
    """Lets the peak begin anew where the kernel allows it (Linux: 5 in clear_refs), and returns the resident set."""
    # Where it may not, the peak covers the process so far too: it is never too low.
    with contextlib.suppress(OSError):
        _CLEAR.write_text("5", encoding="ascii")
    return _field("VmRSS")


def peak() -> int:
    """The largest resident set since the last reset, or since the start."""
    return _field("VmHWM")


def _field(name: str) -> int:
    try:
        lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else largest * 1024
