"""Joins splits of a dataset in one npz file, for a module that declares them anew.

Usage: prepare.py OUTPUT.npz OUTPUT.json NAME=SPLIT.npz …
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np


def main(output: str, splits: str, *words: str) -> None:
    """Writes both files."""
    parts = {name: dict(np.load(path)) for name, path in (word.split("=", 1) for word in words)}
    names = list(next(iter(parts.values())))
    np.savez(output, **{name: np.concatenate([part[name] for part in parts.values()]) for name in names})
    indices, start = {}, 0
    for name, part in parts.items():
        count = len(part[names[0]])
        indices[name] = list(range(start, start + count))
        start += count
    Path(splits).write_text(json.dumps(indices), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
