"""A validator for the part of JSON Schema that our schemas use, on the standard library.

Tests hold it to the `jsonschema` distribution. A keyword outside this part is an error, never passed over.
Source: JSON Schema, draft 2020-12, https://json-schema.org/draft/2020-12.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

_ANNOTATIONS = frozenset({"$schema", "$id", "$defs", "title", "description"})
_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "null": (type(None),),
}


def problems(value: Any, schema: Mapping[str, Any]) -> list[str]:
    """Everything in `value` that the schema forbids, each as `<place>: <what is wrong>`; empty when it is valid.

    Args:
      value: as `json.loads` gives it.

    Raises:
      ValueError: the schema uses a keyword that this validator does not know.
    """
    return list(_check(value, schema, schema, "$"))


def _check(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any], place: str) -> Iterator[str]:
    for keyword, rule in schema.items():
        if keyword in _ANNOTATIONS:
            continue
        elif keyword == "$ref":
            yield from _check(value, _follow(rule, root), root, place)
        elif keyword == "anyOf":
            tries = [list(_check(value, option, root, place)) for option in rule]
            if all(tries):
                yield (
                    min(tries, key=len)[0]
                    if len(tries) == 1
                    else f"{place}: fits none of {len(tries)} forms ({tries[-1][0]})"
                )
        elif keyword in ("type", "const", "enum", "minimum", "minLength", "pattern", "minItems", "maxItems"):
            if wrong := _violation(value, keyword, rule):
                yield f"{place}: {wrong}"
        elif keyword == "required":
            if isinstance(value, dict):
                yield from (f"{place}: {name!r} is missing" for name in rule if name not in value)
        elif keyword == "properties":
            if isinstance(value, dict):
                for name, inner in rule.items():
                    if name in value:
                        yield from _check(value[name], inner, root, f"{place}.{name}")
        elif keyword == "additionalProperties":
            if isinstance(value, dict):
                yield from _additional(value, rule, schema, root, place)
        elif keyword == "items":
            if isinstance(value, list):
                for index, item in enumerate(value):
                    yield from _check(item, rule, root, f"{place}[{index}]")
        else:
            raise ValueError(f"the schema uses {keyword!r}, which this validator does not know")


def _violation(value: Any, keyword: str, rule: Any) -> str:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if keyword == "type" and not _is(value, rule):
        return f"is {type(value).__name__}, not {rule}"
    if keyword == "const" and not _same(value, rule):
        return f"is {value!r}, not {rule!r}"
    if keyword == "enum" and not any(_same(value, one) for one in rule):
        return f"is {value!r}, not one of {', '.join(map(repr, rule))}"
    if keyword == "minimum" and number and not value >= rule:
        return f"is {value}, under {rule}"
    if keyword == "minLength" and isinstance(value, str) and len(value) < rule:
        return f"is shorter than {rule}"
    if keyword == "pattern" and isinstance(value, str) and not re.search(rule, value):
        return f"is {value!r}, which does not match {rule}"
    if keyword == "minItems" and isinstance(value, list) and len(value) < rule:
        return f"has {len(value)} items, fewer than {rule}"
    if keyword == "maxItems" and isinstance(value, list) and len(value) > rule:
        return f"has {len(value)} items, more than {rule}"
    return ""


def _is(value: Any, name: str) -> bool:
    if name in ("number", "integer"):
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return math.isfinite(value) and (name == "number" or value == int(value))
    if name not in _TYPES:
        raise ValueError(f"the schema uses the type {name!r}, which this validator does not know")
    return isinstance(value, _TYPES[name])


def _same(one: Any, other: Any) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _additional(
    value: dict[str, Any], rule: Any, schema: Mapping[str, Any], root: Mapping[str, Any], place: str
) -> Iterator[str]:
    for name in sorted(set(value) - set(schema.get("properties", ()))):
        if rule is False:
            yield f"{place}: {name!r} is unknown"
        elif rule is not True:
            yield from _check(value[name], rule, root, f"{place}.{name}")


def _follow(reference: str, root: Mapping[str, Any]) -> Mapping[str, Any]:
    if not reference.startswith("#/$defs/"):
        raise ValueError(f"the schema refers to {reference!r}; this validator follows #/$defs/ only")
    found: Mapping[str, Any] = root["$defs"][reference.removeprefix("#/$defs/")]
    return found
