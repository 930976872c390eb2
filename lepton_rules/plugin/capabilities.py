"""The vocabulary of capabilities: `capabilities.bzl` beside this file, read as the literal that it is."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType


def _load(path: Path) -> Mapping[str, str]:
    """Returns the CAPABILITIES literal of `path`, capability to its meaning. Raises ValueError when it has none."""
    for node in ast.parse(path.read_text("utf-8"), filename=str(path)).body:
        if isinstance(node, ast.Assign) and [ast.unparse(t) for t in node.targets] == ["CAPABILITIES"]:
            literal: dict[str, str] = ast.literal_eval(node.value)
            return MappingProxyType(literal)
    raise ValueError(f"{path.name} has no CAPABILITIES literal")


CAPABILITIES: Mapping[str, str] = _load(Path(__file__).with_name("capabilities.bzl"))
