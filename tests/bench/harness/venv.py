"""Virtual environments of the benchmark's own, made once."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from harness.bazel import remove, run


def python(folder: Path, name: str, requirements: Sequence[str]) -> Path:
    """The interpreter of an environment with these requirements, from wherever this machine's pip takes packages."""
    key = hashlib.sha256("\n".join(requirements).encode()).hexdigest()[:12]
    target = folder / "environments" / f"{name}-{key}"
    program = target / "bin" / "python"
    ready = target / "ready"
    if not ready.exists():
        remove(target)
        run([sys.executable, "-m", "venv", target], cwd=folder)
        run([program, "-m", "pip", "install", "--quiet", *requirements], cwd=folder)
        ready.touch()
    return program
