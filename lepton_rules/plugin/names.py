"""Names that are valid in Python, Starlark, JSON and a file name at once, and the near miss of a wrong one."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

# What the Starlark grammar reserves (keywords, then words kept for the future), and what every struct already has.
# https://github.com/bazelbuild/starlark/blob/master/spec.md#lexical-elements
RESERVED = frozenset(
    (
        "and break continue def elif else for if in lambda load not or pass return as assert async await class del "
        "except finally from global import is nonlocal raise try while with yield True False None to_json to_proto"
    ).split()
)

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)


def is_name(text: object) -> bool:
    """Tells whether `text` is a name: lower case ASCII, digits and `_`, a letter first, at most 63, not reserved."""
    return isinstance(text, str) and _NAME.fullmatch(text) is not None and text not in RESERVED


def near_miss(wrong: str, known: Iterable[str]) -> str | None:
    """Returns the one of `known` that `wrong` was most likely meant to be, or None when nothing is near."""
    folded = {k.lower(): k for k in sorted(known)}
    matches = difflib.get_close_matches(wrong.lower(), folded, n=1, cutoff=0.6)
    return folded[matches[0]] if matches else None


def suggestion(wrong: str, known: Iterable[str]) -> str:
    """Returns the sentence that mends a wrong name: its near miss where there is one, then what is accepted."""
    names = sorted(known)
    if not names:
        return "Remove it: nothing is accepted here"
    accepted = "accepted: " + ", ".join(names)
    miss = near_miss(wrong, names)
    return f"Did you mean {miss!r}? {accepted[0].upper()}{accepted[1:]}" if miss else f"Use one of them; {accepted}"
