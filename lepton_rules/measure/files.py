"""Reading and writing the small files of a test."""

from __future__ import annotations

import json
import os
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

from lepton_rules.plugin.errors import LeptonError


def write_atomically(path: Path, content: bytes) -> None:
    """Writes a file so that a reader finds all of it or none of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink()
        raise


def read_object(path: Path, what: str) -> dict[str, Any]:
    """The JSON object in a file. Numbers with a point are Decimal, exactly as written.

    Raises:
      LeptonError: the file cannot be read, or is not one JSON object with unique keys and finite numbers.
    """
    fix = "Build the target that writes it again"
    try:
        value = json.loads(
            path.read_bytes().decode("utf-8"), parse_float=Decimal, parse_constant=_refuse, object_pairs_hook=_unique
        )
    except (OSError, ValueError, RecursionError) as error:
        raise LeptonError(what, f"{path.name} cannot be read ({error})", fix) from error
    if not isinstance(value, dict):
        raise LeptonError(what, f"{path.name} holds no JSON object", fix)
    return value


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"it holds {name}, which is no number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("it holds a key twice")
    return value
