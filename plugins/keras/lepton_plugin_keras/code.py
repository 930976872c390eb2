"""Code that a Keras model needs, where its target allows it: Lambda layers, which are code in the file itself, and
classes and functions of the user's own, which stand in the target's `srcs`.

A model in the format `keras` that needs code has `code.json`, and below `program/` the sources, if any: whoever reads
it runs them again.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import importlib
import marshal
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from lepton_plugin_keras.libraries import keras
from lepton_rules.manifest import canonical_json, parse_json
from lepton_rules.plugin import LeptonError
from lepton_rules.plugin.source_program import PROGRAM, copy_sources, importable

CODE_FILE = "code.json"
LAMBDA = "__lambda__"
_FILE_NAME = "<model>"
# Of marshal's formats the last that writes a value the same however often it is referred to.
_MARSHAL_VERSION = 2


def is_source(path: Path) -> bool:
    """Whether a file is one of the user's Python sources."""
    return path.suffix == ".py"


def write(sources: Sequence[Path], directory: Path) -> None:
    """Notes in a model's directory that it needs code, and puts the sources there.

    Raises:
        LeptonError: two sources have one name.
    """
    if sources:
        copy_sources(sources, directory / PROGRAM)
    (directory / CODE_FILE).write_text(canonical_json({"modules": _modules(directory / PROGRAM)}), "utf-8")


def is_needed(directory: Path) -> bool:
    """Whether the model in a directory needs code."""
    return (directory / CODE_FILE).exists()


@contextlib.contextmanager
def running(directory: Path) -> Iterator[None]:
    """Lets Keras find the classes and functions of the model in `directory` while the context lasts: runs its sources,
    if it has any. Afterwards Keras knows none of them any more.

    Raises:
        LeptonError: a source cannot be imported.
    """
    if not is_needed(directory):
        yield
        return
    registered = keras.saving.get_custom_objects()
    before = dict(registered)
    modules = parse_json((directory / CODE_FILE).read_text("utf-8"))["modules"]
    try:
        with importable(directory), keras.saving.custom_object_scope(_named([_imported(name) for name in modules])):
            yield
    finally:
        registered.clear()
        registered.update(before)


def canonical(encoded: str) -> str:
    """The code of a Lambda, as Keras writes it, without what depends on the process and the place that wrote it."""
    try:
        code = marshal.loads(binascii.a2b_base64(encoded))
    except (ValueError, EOFError, TypeError):
        # Of another kind, which is Keras's to refuse.
        return encoded
    return base64.b64encode(marshal.dumps(_placeless(code), _MARSHAL_VERSION)).decode("ascii")


def _placeless(code: Any) -> Any:
    if not isinstance(code, CodeType):
        return code
    return code.replace(co_filename=_FILE_NAME, co_consts=tuple(_placeless(constant) for constant in code.co_consts))


def _modules(program: Path) -> list[str]:
    """The names under which the sources are imported, in their order. A file that has several names, for it may be
    found from several places, gets the longest: what it imports relatively is there too.
    """
    names: dict[bytes, str] = {}
    for path in sorted(program.rglob("*.py"), key=lambda path: (len(path.parts), path)):
        parts = path.relative_to(program).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if name:
            names[path.read_bytes()] = name
    return sorted(names.values())


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except Exception as error:  # the user's code may raise anything
        raise LeptonError(
            f"source {name!r}",
            f"importing it raises {type(error).__name__}: {error}",
            "Correct it; what it imports belongs in srcs, or in the lock of `environment`",
        ) from error


def _named(modules: Sequence[Any]) -> Mapping[str, Any]:
    """The classes and functions that modules define, by their names: a file may say nothing else of them. A name that
    two modules have says nothing.
    """
    found = [
        (name, value)
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, type | FunctionType) and value.__module__ == module.__name__
    ]
    counts = Counter(name for name, _ in found)
    return {name: value for name, value in found if counts[name] == 1}
