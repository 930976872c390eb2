"""Python's bytecode for sources in an image, so that a read-only container compiles nothing when it starts."""

from __future__ import annotations

import importlib.util
import marshal
import sys
import warnings

# marshal writes a reference where an object has more than one owner, so that its bytes depend on what else the process
# holds; the format before references does not, and every Python reads it.
_FORMAT_WITHOUT_REFERENCES = 2
_UNCHECKED_HASH = 1


def bytecode_path(path: str) -> str:
    """Returns where the bytecode of the source `path` belongs."""
    folder, _, name = path.rpartition("/")
    own = f"{name.removesuffix('.py')}.{sys.implementation.cache_tag}.pyc"
    return "/".join(part for part in (folder, "__pycache__", own) if part)


def compile_source(source: bytes, path: str) -> bytes | None:
    """Returns the file of bytecode, or None where `source` is no valid Python of this version.

    It is never checked against its source (PEP 552), as both are in one layer.

    Args:
        source: of the module.
        path: where the source is in the image, for tracebacks.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            code = compile(source, path, "exec", dont_inherit=True, optimize=0)
    except (SyntaxError, ValueError, RecursionError):
        return None
    return b"".join(
        (
            importlib.util.MAGIC_NUMBER,
            _UNCHECKED_HASH.to_bytes(4, "little"),
            importlib.util.source_hash(source),
            marshal.dumps(code, _FORMAT_WITHOUT_REFERENCES),
        )
    )
