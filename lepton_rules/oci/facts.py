"""What an image says of its model in labels and annotations: deterministic facts, from the manifests and metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

TITLE = "org.opencontainers.image.title"
VERSION = "org.opencontainers.image.version"
REVISION = "org.opencontainers.image.revision"


def model_facts(
    manifests: Sequence[Mapping[str, Any]], metrics: Mapping[str, Any] | None, *, title: str, version: str
) -> dict[str, str]:
    """Returns the labels of a model.

    Args:
        manifests: of the model and all that it was made from, oldest first.
        metrics: metrics.json of the model, or None.
        title: of the image.
        version: of the model.
    """
    model = manifests[-1]
    facts = {
        TITLE: title,
        VERSION: version,
        "lepton.model.digest": model["digest"],
        "lepton.model.format": model["format"],
        "lepton.model.parents": ",".join(manifest["digest"] for manifest in manifests[:-1]),
        "lepton.model.parameters": str(model["parameters"]),
        "lepton.recipe": ",".join(step["pass"] for step in model["steps"]),
        "lepton.hardware": (model.get("hardware") or {}).get("target", ""),
    }
    for name, value in sorted((metrics or {}).get("metrics", {}).items()):
        facts[f"lepton.metric.{name}"] = repr(value)
    return {key: value for key, value in facts.items() if value}


def revision_of(status: str, key: str) -> str | None:
    """Returns what the workspace status says of `key`, one `KEY value` a line, or None."""
    for line in status.splitlines():
        name, _, value = line.partition(" ")
        if name == key and value.strip():
            return value.strip()
    return None
