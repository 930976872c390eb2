"""A validator for the part of JSON Schema (draft 2020-12) that our schemas use, in the standard library.

Stricter than the standard in one place: 1.0 is no integer. A pattern's `$` is the end of the text, as the standard has
it and Python has not. A keyword that it does not know is an error in the schema, so that an edit of a schema is never
passed over in silence.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "null": lambda v: v is None,
    "boolean": lambda v: isinstance(v, bool),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
    "string": lambda v: isinstance(v, str),
    "array": lambda v: isinstance(v, list),
    "object": lambda v: isinstance(v, dict),
}
_ANNOTATIONS = frozenset({"$schema", "$id", "$defs", "title", "description", "$comment"})


class SchemaError(ValueError):
    """The schema itself is wrong."""


def problems(value: Any, schema: Mapping[str, Any]) -> Iterator[str]:
    """Yields what is wrong with `value`, each as `<JSON path>: <why>`, nothing when it is valid."""
    yield from _check(value, schema, schema, "$")


def compile_patterns(schema: Any) -> None:
    """Compiles every pattern of a schema now, so that processes that are forked later need not.

    Raises:
        SchemaError: a pattern is not anchored.
    """
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            _compiled(schema["pattern"])
        for part in schema.values():
            compile_patterns(part)


def _same(a: Any, b: Any) -> bool:
    return type(a) is type(b) and bool(a == b)


def _check(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any], path: str) -> Iterator[str]:
    for keyword, argument in schema.items():
        if keyword in _ANNOTATIONS:
            continue
        check = _KEYWORDS.get(keyword)
        if check is None:
            raise SchemaError(f"the keyword {keyword!r} is not supported")
        yield from check(value, argument, schema, root, path)


_Check = Callable[[Any, Any, Mapping[str, Any], Mapping[str, Any], str], Iterator[str]]


def _ref(value: Any, argument: Any, schema: Mapping[str, Any], root: Mapping[str, Any], path: str) -> Iterator[str]:
    if not argument.startswith("#/$defs/"):
        raise SchemaError(f"the reference {argument!r} is not supported")
    yield from _check(value, root["$defs"][argument.removeprefix("#/$defs/")], root, path)


def _type(value: Any, argument: Any, schema: Mapping[str, Any], root: Mapping[str, Any], path: str) -> Iterator[str]:
    names = [argument] if isinstance(argument, str) else argument
    if not any(_TYPES[name](value) for name in names):
        yield f"{path}: {_show(value)} is no {' or '.join(names)}"


def _const(value: Any, argument: Any, schema: Mapping[str, Any], root: Mapping[str, Any], path: str) -> Iterator[str]:
    if not _same(value, argument):
        yield f"{path}: {_show(value)} is not {argument!r}"


def _enum(value: Any, argument: Any, schema: Mapping[str, Any], root: Mapping[str, Any], path: str) -> Iterator[str]:
    if not any(_same(value, choice) for choice in argument):
        yield f"{path}: {_show(value)} is none of {', '.join(map(repr, argument))}"


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    if not (pattern.startswith("^") and pattern.endswith("$")):
        raise SchemaError(f"the pattern {pattern!r} is not anchored")
    return re.compile(pattern[1:-1])


def _pattern(value: Any, argument: Any, schema: Mapping[str, Any], root: Mapping[str, Any], path: str) -> Iterator[str]:
    if isinstance(value, str) and not _compiled(argument).fullmatch(value):
        yield f"{path}: {_show(value)} does not match {argument}"


def _minimum(value: Any, argument: Any, schema: Mapping[str, Any], root: Mapping[str, Any], path: str) -> Iterator[str]:
    if _TYPES["number"](value) and not value >= argument:
        yield f"{path}: {_show(value)} is less than {argument}"


def _min_length(
    value: Any, argument: Any, schema: Mapping[str, Any], root: Mapping[str, Any], path: str
) -> Iterator[str]:
    if isinstance(value, str) and len(value) < argument:
        yield f"{path}: {_show(value)} is shorter than {argument}"


def _min_items(
    value: Any, argument: Any, schema: Mapping[str, Any], root: Mapping[str, Any], path: str
) -> Iterator[str]:
    if isinstance(value, list) and len(value) < argument:
        yield f"{path}: it has fewer than {argument} elements"


def _max_items(
    value: Any, argument: Any, schema: Mapping[str, Any], root: Mapping[str, Any], path: str
) -> Iterator[str]:
    if isinstance(value, list) and len(value) > argument:
        yield f"{path}: it has more than {argument} elements"


def _min_properties(
    value: Any, argument: Any, schema: Mapping[str, Any], root: Mapping[str, Any], path: str
) -> Iterator[str]:
    if isinstance(value, dict) and len(value) < argument:
        yield f"{path}: it has fewer than {argument} entries"


def _unique_items(
    value: Any, argument: Any, schema: Mapping[str, Any], root: Mapping[str, Any], path: str
) -> Iterator[str]:
    if argument and isinstance(value, list):
        for i, element in enumerate(value):
            if any(_same(element, earlier) for earlier in value[:i]):
                yield f"{path}: {_show(element)} is there twice"


def _items(value: Any, argument: Any, schema: Mapping[str, Any], root: Mapping[str, Any], path: str) -> Iterator[str]:
    if isinstance(value, list):
        for i, element in enumerate(value):
            yield from _check(element, argument, root, f"{path}[{i}]")


def _required(
    value: Any, argument: Any, schema: Mapping[str, Any], root: Mapping[str, Any], path: str
) -> Iterator[str]:
    if isinstance(value, dict):
        for name in argument:
            if name not in value:
                yield f"{path}: {name!r} is missing"


def _properties(
    value: Any, argument: Any, schema: Mapping[str, Any], root: Mapping[str, Any], path: str
) -> Iterator[str]:
    if isinstance(value, dict):
        for name, subschema in argument.items():
            if name in value:
                yield from _check(value[name], subschema, root, f"{path}.{name}")


def _additional(
    value: Any, argument: Any, schema: Mapping[str, Any], root: Mapping[str, Any], path: str
) -> Iterator[str]:
    if isinstance(value, dict):
        for name, element in value.items():
            if name in schema.get("properties", {}):
                continue
            if argument is False:
                yield f"{path}: unknown key {_show(name)}"
            elif argument is not True:
                yield from _check(element, argument, root, f"{path}.{name}")


def _property_names(
    value: Any, argument: Any, schema: Mapping[str, Any], root: Mapping[str, Any], path: str
) -> Iterator[str]:
    if isinstance(value, dict):
        for name in value:
            yield from _check(name, argument, root, f"{path} (key)")


_KEYWORDS: Mapping[str, _Check] = {
    "$ref": _ref,
    "type": _type,
    "const": _const,
    "enum": _enum,
    "pattern": _pattern,
    "minimum": _minimum,
    "minLength": _min_length,
    "minItems": _min_items,
    "maxItems": _max_items,
    "minProperties": _min_properties,
    "uniqueItems": _unique_items,
    "items": _items,
    "required": _required,
    "properties": _properties,
    "additionalProperties": _additional,
    "propertyNames": _property_names,
}


def _show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
