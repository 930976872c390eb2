"""Templates of generated files: `{{NAME}}` stands for a text, and alone on its line for lines."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

_PLACE = re.compile(r"\{\{([A-Z_]+)\}\}")


def render(template: Path, values: Mapping[str, str]) -> str:
    """The template with its places filled. A line that only holds a place vanishes where the text is empty.

    Raises:
      KeyError: a place has no value.
    """
    lines = []
    for line in template.read_text("utf-8").splitlines():
        alone = _PLACE.fullmatch(line.strip())
        if alone is None:
            lines.append(_PLACE.sub(lambda match: values[match[1]], line))
        elif text := values[alone[1]]:
            lines += text.splitlines()
    return "\n".join(lines) + "\n"
