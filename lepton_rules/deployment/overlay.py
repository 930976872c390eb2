"""Overlays: JSON that is merged into a document.

As RFC 7396 (JSON Merge Patch) says: objects are merged, null removes a key, everything else replaces what was there.
One thing more, since Kubernetes keeps what has a name in lists: a list of objects that all have a `name` is merged into
such a list by name. Source: the strategic merge of Kubernetes, whose merge key for containers, env, ports, volumes and
image pull secrets is the name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def merge(base: Any, patch: Any) -> Any:
    """Returns `base` with `patch` in it; neither is changed. Keys keep their place, and new ones follow."""
    if isinstance(patch, Mapping):
        merged = dict(base) if isinstance(base, Mapping) else {}
        for key, value in patch.items():
            if value is None:
                merged.pop(key, None)
            else:
                merged[key] = merge(merged.get(key), value)
        return merged
    if _named(base) and _named(patch):
        changes = {element["name"]: element for element in patch}
        kept = [merge(element, changes.pop(element["name"], {})) for element in base]
        return kept + [merge(None, element) for element in changes.values()]
    return patch


def _named(value: Any) -> bool:
    """Whether it is a list of objects of which each has a name of its own."""
    if not isinstance(value, list) or not value:
        return False
    names = [element.get("name") if isinstance(element, Mapping) else None for element in value]
    return all(isinstance(name, str) for name in names) and len(set(names)) == len(names)
