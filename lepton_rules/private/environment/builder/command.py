"""The command line of the programs that build what a repository holds: a request in, and out a status and one message.

    python3.11 -I -S -B build_environment.py request.json

The request is a JSON object, the fields of the program's own dataclass. What is built lies in the working directory.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from lepton_rules.private.environment.builder.refusal import Refusal


class Request(Protocol):
    """What every request has: what is built, and the target that messages name."""

    @property
    def name(self) -> str: ...

    @property
    def label(self) -> str: ...


R = TypeVar("R", bound=Request)


def run(kind: str, request: Callable[..., R], build: Callable[[R, Path], None], arguments: Sequence[str]) -> int:
    """Builds, in the working directory, what the file `arguments[0]` asks for.

    Args:
        kind: what is built, such as `environment`, for the message of a file system that refuses.
        request: makes the request out of its fields.
        build: builds it in a directory.

    Returns:
        The exit status: 1 when it cannot be built, with the message on standard error.
    """
    # Bytes that are no UTF-8 are a path's: kept as Python keeps them in every path.
    asked = request(**json.loads(Path(arguments[0]).read_text(encoding="utf-8", errors="surrogateescape")))
    try:
        build(asked, Path.cwd())
    except Refusal as refusal:
        print(refusal.render(asked.label), file=sys.stderr)
        return 1
    except OSError as error:
        why, fix = f"the file system refused ({error})", "Free space or mend permissions, and build again"
        print(Refusal(f"{kind} {asked.name}", why, fix).render(asked.label), file=sys.stderr)
        return 1
    return 0
