"""measurement.json and test.xml: schemas, and what broken text does to them."""

import copy
import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema  # type: ignore[import-untyped]
import pytest

from lepton_rules.measure import junit, measurement
from lepton_rules.measure.budget import SIZE, parse_all
from lepton_rules.measure.files import write_atomically
from lepton_rules.measure.measurement import Measured
from lepton_rules.measure.verdict import Outcome, Verdict, judge

BUDGETS = parse_all(["max_size_ratio=0.27", "max_size_bytes=1000"], SIZE)
OUTCOMES = [judge(BUDGETS[0], Decimal("0.25"), "why", "fix"), judge(BUDGETS[1], Decimal(2000), "why", "fix")]
SCHEMA = json.loads(measurement.SCHEMA.read_text("utf-8"))


def _valid(**changes: Any) -> dict[str, Any]:
    model = Measured(label="//x:y", digest="sha256:" + "a" * 64)
    environment = {"cpu": "EPYC", "isa": "x86_64_avx2", "gpus": ["H100"], "threads": 1, "libraries": {"numpy": "2.0"}}
    content = measurement.measurement("latency", "//x:t", model, model, OUTCOMES, {"pairs": []}, environment)
    return json.loads(json.dumps(content | changes))  # type: ignore[no-any-return]


def _both(value: Any) -> bool:
    """Whether a value is valid, which our validator and the reference must agree on."""
    ours = not measurement.problems(value)
    assert ours == jsonschema.Draft202012Validator(SCHEMA).is_valid(value), value
    return ours


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_measurements_are_valid() -> None:
    assert _both(_valid())
    assert _both(_valid(environment=None, baseline=None))


def test_every_key_is_needed_and_no_other_is_allowed() -> None:
    def places(value: Any, path: tuple[Any, ...] = ()) -> Any:
        if isinstance(value, dict):
            yield path
            for key, inner in value.items():
                yield from places(inner, (*path, key))
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                yield from places(inner, (*path, index))

    free = {("samples",), ("environment", "libraries")}
    for path in places(_valid()):
        if path in free:
            continue
        whole = _valid()
        place: Any = whole
        for key in path:
            place = place[key]
        for key in list(place):
            changed = copy.deepcopy(whole)
            inner: Any = changed
            for step in path:
                inner = inner[step]
            del inner[key]
            assert not _both(changed), (path, key)
        place["more"] = 1
        assert not _both(whole), path


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("schema_version", 2),
        ("schema_version", True),
        ("kind", "speed"),
        ("label", ""),
        ("artifact", None),
        ("artifact", {"label": "//x", "digest": "sha256:xyz"}),
        ("budgets", []),
        ("environment", {"cpu": "a", "isa": "b", "gpus": [], "threads": 0, "libraries": {}}),
        ("environment", {"cpu": "a", "isa": "b", "gpus": [], "threads": 1, "libraries": {"numpy": 2}}),
        ("samples", []),
    ],
)
def test_wrong_values_are_found(key: str, value: Any) -> None:
    assert not _both(_valid(**{key: value}))


def test_a_newline_ends_no_digest() -> None:
    """The reference takes it, since Python's `$` does; the standard and we do not."""
    assert measurement.problems(_valid(artifact={"label": "//x", "digest": "sha256:" + "a" * 64 + "\n"}))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("verdict", "MAYBE"),
        ("interval", [1.0]),
        ("interval", [1.0, 2.0, 3.0]),
        ("interval", ["1", "2"]),
        ("limit", -1),
        ("limit", "0.27"),
        ("value", "0.25"),
        ("name", "Max_size"),
    ],
)
def test_wrong_budgets_are_found(key: str, value: Any) -> None:
    content = _valid()
    content["budgets"][0][key] = value
    assert not _both(content)


def test_each_budget_is_a_case() -> None:
    suite = ElementTree.fromstring(junit.outcomes_xml("//x:t", OUTCOMES, 1.25))[0]
    assert suite.attrib == {"name": "//x:t", "tests": "2", "failures": "1", "errors": "0", "time": "1.250"}
    assert [case.attrib["name"] for case in suite] == ["max_size_ratio", "max_size_bytes"]
    assert [case[0].tag for case in suite] == ["system-out", "failure"]


@pytest.mark.parametrize("verdict", [verdict for verdict in Verdict if verdict is not Verdict.PASS])
def test_whatever_is_not_pass_is_a_failure(verdict: Verdict) -> None:
    outcome = Outcome(budget=BUDGETS[0], verdict=verdict, value=None, why="why", fix="fix")
    suite = ElementTree.fromstring(junit.outcomes_xml("//x:t", [outcome]))[0]
    assert suite.attrib["failures"] == "1"
    assert suite[0][0].attrib["type"] == verdict.value


def test_hostile_text_leaves_the_file_readable() -> None:
    text = "a\x00b\x1b[31m\ud800\uffff<&\"'>]]>\nü😀"
    document = ElementTree.fromstring(junit.error_xml(f"//x:{text}", [text], text, 1.0))
    assert document[0][0].attrib["name"].endswith("ü😀")
    assert "<&\"'>]]>" in document[0].attrib["name"]
    assert "\x00" not in document[0].attrib["name"]


def test_an_error_without_budgets_is_still_a_case() -> None:
    suite = ElementTree.fromstring(junit.error_xml("//x:t", [], "message", 1.0))[0]
    assert suite.attrib["errors"] == "1"
    assert suite[0][0].attrib["message"] == "message"


def test_writing_replaces_whole_files_and_leaves_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a" / "file"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]
    (tmp_path / "directory").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_atomically(tmp_path / "directory", b"three")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a", "directory"]
