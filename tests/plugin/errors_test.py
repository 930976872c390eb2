"""The error that users read."""

from __future__ import annotations

import pickle

import pytest

from lepton_rules.plugin import LeptonError
from lepton_rules.plugin.names import is_name, near_miss, suggestion


def test_one_line_with_and_without_a_label() -> None:
    error = LeptonError("pass onnx.quantize", "the slot is empty", "Bind calibration")
    assert str(error) == "lepton: pass onnx.quantize: the slot is empty. Bind calibration."
    assert str(error.with_label("//m:x")) == "lepton: pass onnx.quantize in //m:x: the slot is empty. Bind calibration."


def test_a_known_label_stays_and_the_cause_is_kept() -> None:
    error = LeptonError("a", "b", "c", "//first")
    assert error.with_label("//second").label == "//first"
    try:
        raise LeptonError("a", "b", "c") from KeyError("d")
    except LeptonError as caught:
        labelled = caught.with_label("//x")
    assert isinstance(labelled.__cause__, KeyError)
    assert labelled.__traceback__ is not None


def test_text_from_a_file_cannot_break_the_line() -> None:
    message = str(LeptonError("file\n'x'", "it says \x1b[31m\r\nlepton:\u2028ok", "Mend it.\n", "//a\nb"))
    assert message.isprintable()
    assert message == "lepton: file\\n'x' in //a\\nb: it says \\x1b[31m\\r\\nlepton:\\u2028ok. Mend it."


def test_it_survives_a_process_boundary() -> None:
    error = pickle.loads(pickle.dumps(LeptonError("a", "b", "c", "//d")))
    assert str(error) == "lepton: a in //d: b. c."


@pytest.mark.parametrize("name", ["a", "int8", "x_1", "a" * 63])
def test_names(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize(
    "name", ["", "1a", "A", "a-b", "a b", "a\n", "é", "a" * 64, "pass", "load", "to_json", "_a", "$(x)", None, 1]
)
def test_no_names(name: object) -> None:
    assert not is_name(name)


def test_near_miss() -> None:
    assert near_miss("quantise", ["quantize", "optimize"]) == "quantize"
    assert near_miss("QUANTIZE", ["quantize", "optimize"]) == "quantize"
    assert near_miss("zzz", ["quantize"]) is None
    assert suggestion("zzz", []) == "Remove it: nothing is accepted here"
