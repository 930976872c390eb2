"""A user's module from nothing, with Bazel's own defaults: see README.md."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from bazel import Bazel, Result
from module import place

_ACCURACY, _LATENCY, _SIZE = [f"//:network_int8_{kind}_test" for kind in ("accuracy", "latency", "size")]
_EXACT = [_ACCURACY, _SIZE]
_VNNI = "--@lepton_rules//lepton_rules/settings:cpu_vnni"


@pytest.fixture(scope="module")
def bazel() -> Iterator[Bazel]:
    workspace = place(Path(__file__).parent / "smoke", "smoke")
    assert not (workspace / ".bazelrc").exists()
    nested = Bazel(workspace, "smoke", rc=True)
    nested.forget()
    yield nested
    nested.forget()


@pytest.fixture(scope="module")
def query(bazel: Bazel) -> tuple[Result, set[str]]:
    """What a query says before anything is built, and which environments are there after it."""
    result = bazel.run("query", "//...")
    return result, bazel.environments()


@pytest.fixture(scope="module")
def first(bazel: Bazel, query: tuple[Result, set[str]]) -> Result:
    """The first run of everything."""
    return bazel.run("test", "//...")


def test_a_query_builds_no_environment(query: tuple[Result, set[str]]) -> None:
    result, environments = query
    assert result.status == 0, result.output
    assert "//:network_int8" in result.output.splitlines()
    assert environments == set()


def test_everything_builds_and_every_test_passes(first: Result) -> None:
    assert first.status == 0, first.output
    assert first.statuses() == dict.fromkeys([*_EXACT, _LATENCY], "PASSED"), first.output
    assert first.lepton_lines() == []


def test_only_the_environments_that_it_needs_are_built(bazel: Bazel, first: Result) -> None:
    assert bazel.environments() == {"lepton_rules_core", "lepton_rules_onnx", "smoke_tools"}


def test_a_second_build_has_nothing_to_do(bazel: Bazel, first: Result, tmp_path: Path) -> None:
    log = tmp_path / "executed.json"
    assert bazel.run("build", "//...").status == 0, "what tests alone do not need"
    result = bazel.run("build", f"--execution_log_json_file={log}", "//...")
    assert result.status == 0, result.output
    assert log.read_text("utf-8") == ""
    assert bazel.run("test", *_EXACT).output.count("(cached) PASSED") == 2


def test_the_summary_is_a_table_of_what_the_network_is_and_how_it_came_to_be(bazel: Bazel, first: Result) -> None:
    lines = bazel.output("run", ":network_int8.summary").splitlines()
    facts = {words[0]: words[1:] for line in lines if (words := line.split())}
    assert lines[0] == "//:network_int8"
    assert facts["format"] == ["onnx"]
    assert facts["input"] == ["pixels", "float32[batch,", "64]"]
    assert float(facts["accuracy"][0]) > 0.9 and facts["accuracy"][-2:] == ["797", "samples"]
    lineage = [line.split()[:2] for line in lines[lines.index("lineage") + 2 :]]
    assert lineage == [["1", "onnx.onnx"], ["2", "onnx.optimize"], ["3", "onnx.quantize"]]


def test_a_budget_that_cannot_be_met_fails_its_test(bazel: Bazel, first: Result) -> None:
    result = bazel.run("test", "--define=budget=impossible", "--test_output=errors", *_EXACT)
    assert result.status == 3, result.output
    assert result.statuses() == {_ACCURACY: "PASSED", _SIZE: "FAILED"}
    (line,) = result.lepton_lines()
    assert line.startswith(f"lepton: size test in {_SIZE}: max_size_ratio is FAIL: ")


@pytest.mark.parametrize(("has_vnni", "target"), [("false", "cpu"), ("true", "cpu_vnni")])
def test_hardware_is_chosen_by_select(bazel: Bazel, first: Result, has_vnni: str, target: str) -> None:
    result = bazel.run("build", f"{_VNNI}={has_vnni}", ":network_int8")
    assert result.status == 0, result.output
    manifest = json.loads((bazel.bin() / "network_int8" / "2_onnx.quantize" / "manifest.json").read_text("utf-8"))
    assert manifest["hardware"]["target"] == target
    # 8-bit products saturate without VNNI, so that weights get 7 bits.
    assert manifest["steps"][-1]["config"]["reduce_range"] is (has_vnni == "false")
