"""YAML with one spelling: the order of keys is the order in which they were written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from lepton_rules.plugin.errors import LeptonError


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]  # the library has no types
    """Without anchors: what is there twice is written twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indents the items of a list below their key, as people do."""
        super().increase_indent(flow, False)


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # What some readers of YAML 1.1 or 1.2 take for booleans, numbers or times: `on`, `0o7`, `1e3`, `12:30`.
    ambiguous = text.lower() in {"y", "n", "on", "off", "yes", "no"} or text[:1].isdigit()
    # Unicode's own ends of lines are one kind of line break in YAML 1.1, and plain characters in 1.2.
    breaks = any(character in text for character in "\x85\u2028\u2029")
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if ambiguous or breaks else None)


_Dumper.add_representer(str, _string)


def dump(documents: Sequence[Any], header: str) -> bytes:
    """Returns documents as one YAML stream below a comment."""
    text = yaml.dump_all(
        documents,
        Dumper=_Dumper,
        sort_keys=False,
        default_flow_style=False,
        allow_unicode=True,
        explicit_start=len(documents) > 1,
        width=1 << 20,
    )
    return f"{header}{text}".encode()


def load(path: Path) -> list[Any]:
    """Returns the documents of a file, without empty ones.

    Raises:
        LeptonError: it cannot be read, or is no YAML.
    """
    try:
        return [document for document in yaml.safe_load_all(path.read_text("utf-8")) if document is not None]
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise LeptonError(path.name, f"it cannot be read: {reason}", "Name a file of Kubernetes documents") from error
