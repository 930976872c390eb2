"""Configurations are read strictly, written back equal, and described for Starlark."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepton_rules.plugin import LeptonError, NoConfig, config_schema, config_to_dict, option, parse_config

WHAT = "configuration of onnx.quantize"


@dataclass(frozen=True, kw_only=True)
class Whole:
    """Has a field of every type."""

    VERSION: ClassVar[int] = 3
    flag: bool = option(True, doc="A bool.", requires={"true": "int8_per_channel"})
    bits: int = option(8, doc="An int.", minimum=4, maximum=8, requires={"4": "int4_weights"})
    percentile: float = option(99.99, doc="A float.", minimum=0, maximum=100)
    name: str = option("", doc="A string.")
    calibrator: Literal["MinMax", "Entropy", "Percentile"] = option("MinMax", doc="A choice.")
    opset: Literal[13, 17] | None = option(None, doc="A choice of ints, or nothing.")
    exclude: tuple[str, ...] = option((), doc="Strings.")
    axes: tuple[int, ...] = option((0, 1), doc="Ints.", minimum=0)
    options: dict[str, str] = option({"a": "b"}, doc="A dict.")
    limit: int | None = option(None, doc="An int, or nothing.", maximum=10)


@dataclass(frozen=True, kw_only=True)
class Needs:
    """Has a field without a default, and a check over two."""

    VERSION: ClassVar[int] = 1
    low: int = option(doc="The lower end.")
    high: int = option(10, doc="The upper end.")

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"'low' is {self.low}, accepted is at most 'high', {self.high}")


def refusal(values: Any, cls: type = Whole, **more: Any) -> str:
    with pytest.raises(LeptonError) as caught:
        parse_config(cls, values, what=WHAT, **more)
    message = str(caught.value)
    assert message.startswith(f"lepton: {WHAT}: ")
    assert "\n" not in message
    return message


def test_defaults() -> None:
    config = parse_config(Whole, {})
    assert config == Whole()
    assert (config.bits, config.exclude, config.options, config.limit) == (8, (), {"a": "b"}, None)


def test_values() -> None:
    config = parse_config(Whole, {"exclude": ["a", "b"], "axes": [2], "percentile": 50, "opset": 17, "limit": 3})
    assert config.exclude == ("a", "b")
    assert config.axes == (2,)
    assert type(config.percentile) is float
    assert (config.opset, config.limit) == (17, 3)


def test_a_default_dict_is_not_shared() -> None:
    parse_config(Whole, {}).options["a"] = "c"
    assert parse_config(Whole, {}).options == {"a": "b"}


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"percentil": 1}, "unknown option 'percentil'. Did you mean 'percentile'?"),
        ({"Bits": 4}, "unknown option 'Bits'. Did you mean 'bits'?"),
        ({"zzz": 4}, "unknown option 'zzz'. Use one of them; accepted: axes, bits,"),
        ({"bits": "8"}, "'bits' is '8' (str), accepted is an int. Give 'bits' an int."),
        ({"bits": 8.0}, "'bits' is 8.0 (float), accepted is an int"),
        ({"bits": True}, "'bits' is True (bool), accepted is an int"),
        ({"bits": None}, "'bits' is None, accepted is an int"),
        ({"flag": 1}, "'flag' is 1 (int), accepted is a bool"),
        ({"bits": 9}, "'bits' is 9, accepted is at least 4 and at most 8"),
        ({"bits": 3}, "'bits' is 3, accepted is at least 4 and at most 8"),
        ({"limit": 11}, "'limit' is 11, accepted is at most 10"),
        ({"limit": "x"}, "accepted is an int or None"),
        ({"axes": [0, -1]}, "'axes' is -1, accepted is at least 0"),
        ({"axes": [0, True]}, "'axes' is [0, True] (list), accepted is a list of ints"),
        ({"percentile": math.nan}, "'percentile' is nan, accepted is a finite number"),
        ({"percentile": math.inf}, "'percentile' is inf, accepted is a finite number"),
        ({"percentile": 10**400}, "'percentile' is inf, accepted is a finite number"),
        ({"calibrator": "minmax"}, "'calibrator' is 'minmax'. Did you mean 'MinMax'?"),
        ({"calibrator": 1}, "'calibrator' is 1 (int), accepted is a string"),
        ({"opset": 14}, "'opset' is 14"),
        ({"exclude": "conv"}, "'exclude' is 'conv' (str), accepted is a list of strings"),
        ({"exclude": [1]}, "accepted is a list of strings"),
        ({"options": {"a": 1}}, "accepted is a dict of strings to strings"),
        ({"options": [["a", "b"]]}, "accepted is a dict of strings to strings"),
        ({"name": "\ud800"}, "accepted is a string"),
        ({"a\nb": 1}, "unknown option 'a\\nb'"),
        ([], "it is [], accepted is a dict"),
    ],
)
def test_refusals_name_the_field_the_got_and_the_accepted(values: Any, says: str) -> None:
    assert says in refusal(values)


def test_a_field_without_default_must_be_given() -> None:
    assert "'low' is missing" in refusal({"high": 3}, Needs)


def test_a_check_over_several_fields_is_told_under_the_same_name() -> None:
    assert "'low' is 11, accepted is at most 'high', 10" in refusal({"low": 11}, Needs)


def test_another_version_is_refused() -> None:
    assert parse_config(Whole, {}, version=3) == Whole()
    assert "written for version 2, the plugin has version 3" in refusal({}, version=2)
    assert "written for version True" in refusal({}, Needs, version=True)


def test_schema() -> None:
    schema = config_schema(Whole)
    assert schema["version"] == 3
    assert list(schema["fields"]) == [
        *("flag", "bits", "percentile", "name", "calibrator", "opset", "exclude", "axes", "options", "limit")
    ]
    assert schema["fields"]["bits"] == {
        "type": "int",
        "optional": False,
        "doc": "An int.",
        "default": 8,
        "minimum": 4,
        "maximum": 8,
        "requires": {"4": "int4_weights"},
    }
    assert schema["fields"]["opset"] == {
        "type": "int",
        "optional": True,
        "doc": "A choice of ints, or nothing.",
        "default": None,
        "choices": [13, 17],
    }
    assert schema["fields"]["exclude"]["default"] == []
    assert schema["fields"]["options"] == {
        "type": "string_dict",
        "optional": False,
        "doc": "A dict.",
        "default": {"a": "b"},
    }
    assert "default" not in config_schema(Needs)["fields"]["low"]
    assert json.loads(json.dumps(schema, allow_nan=False)) == schema
    assert config_schema(NoConfig) == {"version": 1, "fields": {}}


values = st.fixed_dictionaries(
    {},
    optional={
        "flag": st.booleans(),
        "bits": st.integers(4, 8),
        "percentile": st.floats(0, 100) | st.integers(0, 100),
        "name": st.text(),
        "calibrator": st.sampled_from(["MinMax", "Entropy", "Percentile"]),
        "opset": st.sampled_from([13, 17, None]),
        "exclude": st.lists(st.text()),
        "axes": st.lists(st.integers(0)),
        "options": st.dictionaries(st.text(), st.text()),
        "limit": st.integers(max_value=10) | st.none(),
    },
)


@given(values)
def test_round_trip(given_values: dict[str, Any]) -> None:
    config = parse_config(Whole, given_values)
    written = json.dumps(config_to_dict(config), allow_nan=False)
    assert parse_config(Whole, json.loads(written), version=3) == config


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
names = st.sampled_from([*config_schema(Whole)["fields"], "bit", ""]) | st.text()


@given(st.dictionaries(names, anything, max_size=3))
def test_whatever_is_given_is_read_or_refused(given_values: dict[str, Any]) -> None:
    try:
        config = parse_config(Whole, given_values)
    except LeptonError as error:
        assert str(error).isprintable()
    else:
        assert set(given_values) <= set(config_to_dict(config))


def _class(**fields: Any) -> type:
    """Makes a configuration class of (type, default) pairs."""
    body: dict[str, Any] = {"__annotations__": {n: f[0] for n, f in fields.items()}, "VERSION": 1}
    body.update({n: f[1] for n, f in fields.items() if len(f) > 1})
    return dataclass(frozen=True, kw_only=True)(type("Bad", (), body))


class NotADataclass:
    VERSION = 1


@dataclass
class NotFrozen:
    VERSION: ClassVar[int] = 1


@dataclass(frozen=True)
class NoVersion:
    """Says no version."""


@dataclass(frozen=True)
class InheritsVersion(NoConfig):
    """Has its parent's version only, which says nothing of its own fields."""


@dataclass(frozen=True)
class VersionIsAField:
    VERSION: int = 1


@pytest.mark.parametrize(
    ("cls", "says"),
    [
        (NotADataclass, "it is not a dataclass"),
        (NotFrozen, "it is not frozen"),
        (NoVersion, "VERSION is None"),
        (InheritsVersion, "VERSION is None"),
        (VersionIsAField, "field 'VERSION' cannot be an argument"),
        (_class(x=(list[str], option((), doc="d"))), "field 'x' has type list[str]"),
        (_class(x=(bytes, option(b"", doc="d"))), "field 'x' has type <class 'bytes'>"),
        (_class(x=(int | str, option(1, doc="d"))), "field 'x' has type int | str"),
        (_class(x=(Literal["a", 1], option("a", doc="d"))), "field 'x' has type"),
        (_class(x=(Literal[True], option(True, doc="d"))), "field 'x' has type"),
        (_class(x=(int, 1)), "field 'x' has no doc"),
        (_class(x=(int, option("8", doc="d"))), "'x' is '8' (str), accepted is an int"),
        (_class(x=(int, option(9, doc="d", maximum=8))), "'x' is 9, accepted is at most 8"),
        (_class(x=(int | None, option(1, doc="d"))), "accepts None, which is not its default"),
        (_class(x=(int | None, option(doc="d"))), "accepts None, which is not its default"),
        (_class(x=(str, option("", doc="d", minimum=1))), "'x' is a string and has a minimum"),
        (_class(x=(float, option(1.0, doc="d", minimum=math.nan))), "has the minimum nan"),
        (
            _class(x=(int, option(1, doc="d", requires={"1": "int3"}))),
            "unknown capability 'int3'. Did you mean 'int8'?",
        ),
        (_class(x=(int, option(1, doc="d", maximum=4, requires={"5": "int8"}))), "for '5', which is no value of it"),
        (_class(x=(bool, option(True, doc="d", requires={"True": "int8"}))), "for 'True', which is no value of it"),
        (_class(x=(tuple[str, ...], option((), doc="d", requires={"a": "int8"}))), "has requires"),
        (_class(load=(int, option(1, doc="d"))), "field 'load' cannot be an argument in Starlark"),
        (_class(unknown=(int, option(1, doc="d"))), "field 'unknown' cannot be an argument in Starlark"),
        (_class(Bits=(int, option(1, doc="d"))), "field 'Bits' cannot be an argument in Starlark"),
        (_class(x=("Nowhere", option(1, doc="d"))), "its annotations do not resolve"),
    ],
)
def test_a_class_that_is_no_configuration_is_refused(cls: type, says: str) -> None:
    with pytest.raises(LeptonError) as caught:
        config_schema(cls)
    assert says in str(caught.value)
