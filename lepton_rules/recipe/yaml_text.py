"""YAML of plain values: the core schema of YAML 1.2, strictly, whatever a parser would rather make of a text.

PyYAML reads YAML 1.1, in which `no` is False, `1e-5` a string and `12:30` a number. Here a scalar is what JSON and YAML
1.2 take it for (https://yaml.org/spec/1.2.2/#103-core-schema). Anchors, tags and repeated keys are errors: the first
let a few bytes become gigabytes, the second name Python objects, the third lose a value in silence.
"""

from __future__ import annotations

import math
import re
from typing import Any

from lepton_rules.plugin.errors import LeptonError

_LONGEST = 1 << 20
_DEEPEST = 32

# What a plain scalar is, the first that fits; everything else is a string.
_PLAIN: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("null", re.compile(r"~|null|Null|NULL|")),
    ("bool", re.compile(r"true|True|TRUE|false|False|FALSE")),
    ("int", re.compile(r"[-+]?[0-9]{1,40}")),
    ("float", re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")),
)


def parse(text: str, what: str) -> Any:
    """Returns the value of a YAML document: dicts with string keys, lists, strings, numbers, booleans, None.

    Raises:
        LeptonError: about `what`: it is no YAML, or not of that kind; PyYAML is not installed.
    """
    try:
        import yaml
    except ModuleNotFoundError:
        raise LeptonError(
            what, "reading YAML takes PyYAML, which is not installed", "Run pip install 'lepton-rules[cli]'"
        ) from None
    if len(text) > _LONGEST:
        raise LeptonError(what, f"it has more than {_LONGEST} characters", "Give a recipe")
    try:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST:
                raise LeptonError(what, f"{_at(event.start_mark)} is nested too deep", "Write a recipe")
            if getattr(event, "anchor", None) is not None:
                raise LeptonError(what, f"{_at(event.start_mark)} has an anchor or an alias", "Write the value out")
            if getattr(event, "tag", None) is not None:
                raise LeptonError(what, f"{_at(event.start_mark)} has the tag {event.tag}", "Write the plain value")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise LeptonError(
            what, f"it is no YAML: {problem}" + (f" in {_at(mark)}" if mark else ""), "Mend it there"
        ) from None
    return None if node is None else _value(node, what)


def _at(mark: Any) -> str:
    return f"line {mark.line + 1}"


def _value(node: Any, what: str) -> Any:
    if node.id == "sequence":
        return [_value(element, what) for element in node.value]
    if node.id == "scalar":
        return _scalar(node, what)
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = _scalar(key_node, what) if key_node.id == "scalar" else None
        if not isinstance(key, str):
            raise LeptonError(what, f"{_at(key_node.start_mark)} has a key that is no string", "Put it in quotes")
        if key in found:
            raise LeptonError(what, f"{_at(key_node.start_mark)} has the key {key!r} a second time", "Keep one")
        found[key] = _value(value_node, what)
    return found


def _scalar(node: Any, what: str) -> Any:
    text: str = node.value
    if node.style is not None:
        # JSON writes a character beyond U+FFFF as two escapes, which PyYAML reads as two characters.
        try:
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            raise LeptonError(
                what, f"{_at(node.start_mark)} has half of a surrogate pair", "Write the whole character"
            ) from None
    kind = next((name for name, pattern in _PLAIN if pattern.fullmatch(text)), "str")
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int":
        return int(text)
    if kind == "float":
        number = float(text)
        if not math.isfinite(number):
            raise LeptonError(
                what, f"{_at(node.start_mark)} has the number {text}, out of range", "Write a smaller one"
            )
        return number
    return text
