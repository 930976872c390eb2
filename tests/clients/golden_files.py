"""Clients of every kind of tensor as they are expected, in `golden/`. As a program it writes them anew:

PYTHONPATH=.:tests/clients python3 tests/clients/golden_files.py
"""

from __future__ import annotations

from pathlib import Path

import every_kind
from writing_clients import client_files

FOLDER = Path(__file__).parent / "golden"

# What depends on the model; the other files are what stands in lepton_rules/clients.
FILES = {
    "python": ("__init__.py", "client.py"),
    "cpp": ("every.h", "every.cc"),
    "java": ("EveryClient.java",),
}


def generated() -> dict[str, str]:
    """Text by file name."""
    found = {}
    for language, names in FILES.items():
        files = client_files(every_kind.sketch(), language, "every")
        found |= {name: files[name] for name in names}
    return found


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in generated().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
