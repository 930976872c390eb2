"""JSON with one spelling: equal values give equal bytes, and what is ambiguous does not parse."""

from __future__ import annotations

import json
from typing import Any, NoReturn


def canonical_json(value: Any) -> str:
    """Returns `value` with sorted keys, 2-space indent, unescaped Unicode and a newline at the end.

    Raises:
        ValueError: it holds NaN or an infinity.
        TypeError: it holds something that JSON has no form for, or a key that is no string.
    """
    _check_keys(value)
    return json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def check_plain(value: Any) -> None:
    """Checks that `value` has a canonical form, which it takes ten times as long to spell.

    Raises:
        ValueError: it holds NaN or an infinity, a text that has no UTF-8, or itself.
        TypeError: it holds something that JSON has no form for, or a key that is no string.
    """
    _check_keys(value)
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


def parse_json(text: str) -> Any:
    """Parses JSON strictly.

    Raises:
        ValueError: it is no JSON, a key is there twice, or a number is NaN or infinite.
    """
    try:
        return json.loads(
            text, object_pairs_hook=_object, parse_constant=_refuse_constant, parse_float=_finite, parse_int=_bounded
        )
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def _check_keys(value: Any) -> None:
    """Raises TypeError for a key that is no string: json would turn 1 and True into strings, and two keys into one."""
    if isinstance(value, dict):
        for key, element in value.items():
            if not isinstance(key, str):
                raise TypeError(f"the key {key!r} is no string")
            _check_keys(element)
    elif isinstance(value, list | tuple):
        for element in value:
            _check_keys(element)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(n for n in names if names.count(n) > 1)!r} is there twice")
    return found


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"{text} is out of range")
    return number


def _bounded(text: str) -> int:
    if len(text) > 40:
        raise ValueError(f"an integer of {len(text)} digits is out of range")
    return int(text)
