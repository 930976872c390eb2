"""Configurations: frozen dataclasses with a VERSION, read strictly, written back, and described as a schema.

    @dataclass(frozen=True, kw_only=True)
    class QuantizeConfig:
        \"\"\"Static 8-bit quantization.\"\"\"

        VERSION: ClassVar[int] = 1
        bits: int = option(8, doc="Bits of a weight.", minimum=4, maximum=8, requires={"4": "int4_weights"})
        calibrator: Literal["MinMax", "Entropy"] = option("MinMax", doc="How ranges are found.")

A field is a bool, int, float, str, a Literal of strings or of integers, tuple[str, ...], tuple[int, ...], dict[str,
str], or one of these `| None`. Nothing else: each of them has one form in Starlark, in JSON and in Python, so that
what a BUILD file says is what the pass gets. A check over several fields belongs in `__post_init__`, which raises
ValueError.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeVar, overload

from lepton_rules.plugin.capabilities import CAPABILITIES
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.plugin.names import is_name, suggestion

T = TypeVar("T")
C = TypeVar("C")

_METADATA = "lepton_rules.option"
# What a generated constructor calls its own catch-all, and what it calls.
_RESERVED_FIELDS = frozenset({"unknown", "lepton_pass", "lepton_component"})
_TYPES: Mapping[object, str] = {
    bool: "bool",
    int: "int",
    float: "float",
    str: "string",
    tuple[str, ...]: "string_list",
    tuple[int, ...]: "int_list",
    dict[str, str]: "string_dict",
}
_ACCEPTED_TYPES = "bool, int, float, str, Literal, tuple[str, ...], tuple[int, ...], dict[str, str], each also | None"
_WORDS: Mapping[str, str] = {
    "bool": "a bool",
    "int": "an int",
    "float": "a number",
    "string": "a string",
    "string_list": "a list of strings",
    "int_list": "a list of ints",
    "string_dict": "a dict of strings to strings",
}


@dataclass(frozen=True, kw_only=True)
class NoConfig:
    """The configuration of what has none."""

    VERSION: ClassVar[int] = 1


@dataclass(frozen=True, kw_only=True)
class _Option:
    doc: str
    minimum: float | None
    maximum: float | None
    requires: Mapping[str, str]


@overload
def option(
    default: T,
    *,
    doc: str,
    minimum: float | None = None,
    maximum: float | None = None,
    requires: Mapping[str, str] | None = None,
) -> T: ...


@overload
def option(
    *,
    doc: str,
    minimum: float | None = None,
    maximum: float | None = None,
    requires: Mapping[str, str] | None = None,
) -> Any: ...


def option(
    default: Any = dataclasses.MISSING,
    *,
    doc: str,
    minimum: float | None = None,
    maximum: float | None = None,
    requires: Mapping[str, str] | None = None,
) -> Any:
    """Declares one field of a configuration.

    Args:
        default: what a recipe that says nothing gets; left out, the recipe must say it.
        doc: one sentence for the generated constructor, with the unit.
        minimum: the least value accepted, for int, float and their lists (each element).
        maximum: the greatest value accepted.
        requires: value, as JSON writes it (strings bare: `"true"`, `"4"`, `"uint8"`), to the capability that the
            hardware must list for this value; the names are those of `lepton_rules/plugin/capabilities.bzl`.

    Returns:
        A dataclass field, typed as its default so that type checkers are content.
    """
    metadata = {_METADATA: _Option(doc=doc, minimum=minimum, maximum=maximum, requires=dict(requires or {}))}
    if isinstance(default, dict):
        return dataclasses.field(default_factory=lambda: dict(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class _Field:
    """One field, understood: its JSON type, whether None is accepted, its choices, default and option."""

    name: str
    type: str
    optional: bool
    choices: tuple[str | int, ...]
    default: Any  # dataclasses.MISSING where the recipe must say it
    option: _Option


def json_key(value: object) -> str:
    """Returns the form in which `requires` names a value: strings bare, everything else as JSON writes it."""
    return value if isinstance(value, str) else json.dumps(value)


def _bad_class(cls: type, why: str, fix: str) -> LeptonError:
    return LeptonError(f"configuration {cls.__module__}.{cls.__qualname__}", why, fix)


def _understand_type(cls: type, name: str, hint: object) -> tuple[str, bool, tuple[str | int, ...]]:
    """Returns (JSON type, optional, choices) of an annotation. Raises LeptonError where it has no JSON form."""
    optional = False
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        members = [m for m in typing.get_args(hint) if m is not type(None)]
        optional = len(members) < len(typing.get_args(hint))
        hint = members[0] if len(members) == 1 else hint
    if typing.get_origin(hint) is Literal:
        choices = typing.get_args(hint)
        if all(type(c) is str for c in choices):
            return "string", optional, choices
        if all(type(c) is int for c in choices):
            return "int", optional, choices
    elif hint in _TYPES:
        return _TYPES[hint], optional, ()
    raise _bad_class(cls, f"field {name!r} has type {hint}", f"Use one of {_ACCEPTED_TYPES}")


def _fields(cls: type) -> tuple[_Field, ...]:
    """Returns the fields of `cls` in the order of definition. Raises LeptonError where it is no configuration."""
    if not (isinstance(cls, type) and dataclasses.is_dataclass(cls)):
        raise LeptonError(
            f"configuration {cls!r}",
            "it is not a dataclass",
            "Write @dataclass(frozen=True, kw_only=True) above the class",
        )
    if not cls.__dataclass_params__.frozen:  # type: ignore[attr-defined]  # typeshed does not know it
        raise _bad_class(cls, "it is not frozen", "Write @dataclass(frozen=True, kw_only=True) above the class")
    version = cls.__dict__.get("VERSION")
    if type(version) is not int or version < 1:
        raise _bad_class(
            cls,
            f"VERSION is {version!r}, accepted is a whole number from 1 on",
            "Write `VERSION: ClassVar[int] = 1` in its body, and count up when a field changes its meaning",
        )
    try:
        hints = typing.get_type_hints(cls)
    except Exception as error:
        raise _bad_class(
            cls, f"its annotations do not resolve ({error})", "Import what they name at module level"
        ) from error
    found = []
    for f in dataclasses.fields(cls):
        if not is_name(f.name) or f.name in _RESERVED_FIELDS:
            raise _bad_class(
                cls,
                f"field {f.name!r} cannot be an argument in Starlark",
                "Rename it: lower case ASCII letters, digits and _, a letter first, no reserved word",
            )
        if not f.init:
            raise _bad_class(cls, f"field {f.name!r} has init=False", "Make it a property")
        if f.name == "VERSION":
            raise _bad_class(cls, "VERSION is a field", "Annotate it as ClassVar[int]")
        opt = f.metadata.get(_METADATA)
        if not isinstance(opt, _Option):
            raise _bad_class(cls, f"field {f.name!r} has no doc", f"Write `{f.name}: … = option(…, doc=…)`")
        type_, optional, choices = _understand_type(cls, f.name, hints[f.name])
        default = f.default if f.default_factory is dataclasses.MISSING else f.default_factory()
        if optional and default is not None:
            raise _bad_class(
                cls,
                f"field {f.name!r} accepts None, which is not its default, and in a BUILD file None means not given",
                "Make None its default, or take None out of its type",
            )
        found.append(_Field(name=f.name, type=type_, optional=optional, choices=choices, default=default, option=opt))
    return tuple(found)


def _to_json(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else dict(value) if isinstance(value, dict) else value


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_string(value: object) -> bool:
    return (isinstance(value, str) and value.isascii()) or (isinstance(value, str) and _encodes(value))


def _encodes(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


_CHECKS: Mapping[str, Callable[[Any], bool]] = {
    "bool": lambda v: isinstance(v, bool),
    "int": _is_int,
    "float": lambda v: _is_int(v) or isinstance(v, float),
    "string": _is_string,
    "string_list": lambda v: isinstance(v, list | tuple) and all(map(_is_string, v)),
    "int_list": lambda v: isinstance(v, list | tuple) and all(map(_is_int, v)),
    "string_dict": lambda v: isinstance(v, Mapping) and all(_is_string(k) and _is_string(e) for k, e in v.items()),
}


def _show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 120 else text[:117] + "..."


def _parse_value(field: _Field, value: Any, what: str) -> Any:
    """Returns `value` as Python has it. Raises LeptonError that names the field, the got and the accepted."""
    if value is None and field.optional:
        return None
    wanted = _WORDS[field.type] + (" or None" if field.optional else "")
    if not _CHECKS[field.type](value):
        got = "None" if value is None else f"{_show(value)} ({type(value).__name__})"
        raise LeptonError(what, f"{field.name!r} is {got}, accepted is {wanted}", f"Give {field.name!r} {wanted}")
    if field.choices and value not in field.choices:
        accepted = [json_key(c) for c in field.choices]
        raise LeptonError(what, f"{field.name!r} is {_show(value)}", suggestion(json_key(value), accepted))
    if field.type == "float":
        try:
            value = float(value)
        except OverflowError:
            value = math.inf
        if not math.isfinite(value):
            raise LeptonError(
                what, f"{field.name!r} is {value}, accepted is a finite number", f"Give {field.name!r} a finite number"
            )
    if field.type in ("int", "float", "int_list"):
        low, high = field.option.minimum, field.option.maximum
        bounds = f"{'' if low is None else f'at least {low}'}{' and ' if None not in (low, high) else ''}" + (
            "" if high is None else f"at most {high}"
        )
        for number in value if field.type == "int_list" else (value,):
            if (low is not None and number < low) or (high is not None and number > high):
                raise LeptonError(
                    what,
                    f"{field.name!r} is {number}, accepted is {bounds}",
                    f"Give {field.name!r} a value of {bounds}",
                )
    if field.type in ("string_list", "int_list"):
        return tuple(value)
    return dict(value) if field.type == "string_dict" else value


def _check_requires(cls: type, field: _Field) -> None:
    """Raises LeptonError where `requires` names a value that the field cannot have, or an unknown capability."""
    for key, capability in field.option.requires.items():
        if capability not in CAPABILITIES:
            raise _bad_class(
                cls,
                f"field {field.name!r} requires the unknown capability {capability!r}",
                suggestion(capability, CAPABILITIES),
            )
        if field.type not in ("bool", "int", "string"):
            raise _bad_class(
                cls,
                f"field {field.name!r} is {_WORDS[field.type]} and has requires",
                "Use requires on bool, int, str and Literal",
            )
        try:
            value = key if field.type == "string" and not (key == "null" and field.optional) else json.loads(key)
            _parse_value(field, value, "")
        except (ValueError, LeptonError) as error:
            raise _bad_class(
                cls,
                f"field {field.name!r} requires {capability!r} for {key!r}, which is no value of it",
                'Write the value as JSON does, strings bare: "true", "4", "uint8"',
            ) from error


def config_schema(cls: type) -> dict[str, Any]:
    """Describes the configuration `cls` for Starlark, which checks what a recipe says at analysis.

    Returns:
        {"version": int, "fields": {name: {"type", "optional", "doc", and where they are declared "default",
        "minimum", "maximum", "choices", "requires"}}}; "type" is one of bool, int, float, string, string_list,
        int_list, string_dict. A field without "default" must be given. It holds JSON types only.

    Raises:
        LeptonError: `cls` is no configuration: not frozen, no VERSION, a type without a JSON form, a default out of
            its own range.
    """
    fields: dict[str, Any] = {}
    for field in _fields(cls):
        schema: dict[str, Any] = {"type": field.type, "optional": field.optional, "doc": field.option.doc}
        if field.default is not dataclasses.MISSING:
            what = f"configuration {cls.__module__}.{cls.__qualname__}"
            schema["default"] = _to_json(_parse_value(field, field.default, what))
        if field.choices:
            schema["choices"] = list(field.choices)
        for bound in ("minimum", "maximum"):
            limit = getattr(field.option, bound)
            if limit is None:
                continue
            if field.type not in ("int", "float", "int_list"):
                raise _bad_class(cls, f"field {field.name!r} is {_WORDS[field.type]} and has a {bound}", "Remove it")
            if isinstance(limit, bool) or not math.isfinite(limit):
                raise _bad_class(cls, f"field {field.name!r} has the {bound} {limit}", "Use a finite number")
            schema[bound] = limit
        _check_requires(cls, field)
        if field.option.requires:
            schema["requires"] = dict(sorted(field.option.requires.items()))
        fields[field.name] = schema
    return {"version": cls.VERSION, "fields": fields}  # type: ignore[attr-defined]  # _fields checked it


def parse_config(cls: type[C], values: Mapping[str, Any], *, what: str | None = None, version: int | None = None) -> C:
    """Reads a configuration strictly: unknown names, wrong types, values out of range and NaN are errors.

    Args:
        cls: a configuration dataclass.
        values: field name to JSON value; fields left out get their defaults.
        what: how an error calls it, such as `configuration of onnx.quantize`.
        version: the VERSION that `values` were written for, where it is known.

    Raises:
        LeptonError: names the field, what was got and what is accepted; for an unknown name, its near miss.
    """
    what = what or f"configuration {cls.__qualname__}"
    fields = {f.name: f for f in _fields(cls)}
    wanted: int = cls.VERSION  # type: ignore[attr-defined]  # _fields checked it
    if version is not None and (type(version) is not int or version != wanted):
        raise LeptonError(
            what,
            f"it was written for version {version!r}, the plugin has version {wanted}",
            "Regenerate the plugin's passes.bzl, or install the plugin that wrote it",
        )
    if not isinstance(values, Mapping):
        raise LeptonError(what, f"it is {_show(values)}, accepted is a dict", "Give a dict of option names to values")
    for name in values:
        if name not in fields:
            raise LeptonError(what, f"unknown option {name!r}", suggestion(str(name), fields))
    parsed = {}
    for field in fields.values():
        if field.name in values:
            parsed[field.name] = _parse_value(field, values[field.name], what)
        elif field.default is dataclasses.MISSING:
            raise LeptonError(what, f"{field.name!r} is missing", f"Give {field.name!r} {_WORDS[field.type]}")
        else:
            parsed[field.name] = _parse_value(field, field.default, what)
    try:
        return cls(**parsed)
    except LeptonError as error:
        raise LeptonError(what, error.why, error.fix, error.label) from error
    except (ValueError, TypeError) as error:
        raise LeptonError(what, str(error), "Change the options that it names") from error


def config_to_dict(config: Any) -> dict[str, Any]:
    """Returns every field of `config` as JSON types, defaults too; `parse_config` reads it back to an equal object."""
    return {f.name: _to_json(getattr(config, f.name)) for f in _fields(type(config))}
