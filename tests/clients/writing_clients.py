"""Writes clients as the rule does."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from lepton_rules.clients.main import WRITERS
from lepton_rules.clients.signature import signature
from lepton_rules.clients.writing import Files, Order


def client_files(manifest: Mapping[str, Any], language: str, package: str, **changes: Any) -> Files:
    """The files of a client of a model that is called as its package."""
    order: dict[str, Any] = {
        "signature": signature(manifest, package, ""),
        "package": package,
        "class_name": f"{package.capitalize()}Client",
        "stem": package,
        "include": f"{package}.h",
    }
    return WRITERS[language](Order(**(order | changes)))


def write_client(manifest: Mapping[str, Any], language: str, package: str, folder: Path, **changes: Any) -> list[Path]:
    """Writes them into `folder/<package>`; returns their paths."""
    files = client_files(manifest, language, package, **changes)
    target = folder / package
    target.mkdir(parents=True)
    for name, text in files.items():
        (target / name).write_text(text, encoding="utf-8")
    return [target / name for name in files]


def import_client(manifest: Mapping[str, Any], package: str, folder: Path) -> ModuleType:
    """The Python client, imported; `package` must be one that was not imported before."""
    write_client(manifest, "python", package, folder)
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(package)
    finally:
        sys.path.remove(str(folder))
