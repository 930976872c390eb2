"""Each rule for tests has a test that fails, and says of every budget why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema  # type: ignore[import-untyped]
import pytest
from bazel import Bazel, Result, source_tree
from test_names import undeclared_output

# Of each test, the verdict on each of its budgets. The runtime of //scribe does what the model's text says.
_VERDICTS = {
    "against_release_accuracy_test": {"max_accuracy_drop_ratio": "PASS"},
    "against_release_latency_test": {"min_speedup": "PASS"},
    "against_release_size_test": {"max_size_ratio": "PASS"},
    "right_accuracy_test": {"max_accuracy_drop": "PASS", "min_accuracy": "PASS", "min_agreement": "PASS"},
    "right_compatibility_test": {"max_signature_changes": "PASS", "max_relative_difference": "PASS"},
    "right_latency_test": {"max_p50_ms": "PASS", "min_speedup": "PASS"},
    "right_memory_test": {"max_inference_rss_ratio": "PASS", "max_load_rss_bytes": "PASS"},
    "right_parity_test": {"max_absolute_difference": "PASS", "min_agreement": "PASS"},
    "right_reproducibility_test": {"max_differing_files": "PASS"},
    "right_size_test": {"max_compressed_size_bytes": "PASS", "max_size_bytes": "PASS", "max_size_ratio": "PASS"},
    "right_throughput_test": {"min_samples_per_s": "PASS", "min_throughput_ratio": "PASS"},
    "slow_cold_start_test": {"max_cold_start_ms": "FAIL"},
    "slow_compatibility_test": {"max_signature_changes": "PASS", "max_absolute_difference": "PASS"},
    "slow_latency_test": {"max_p50_ms": "FAIL", "min_speedup": "FAIL"},
    "slow_memory_test": {"max_load_rss_bytes": "FAIL"},
    "slow_size_test": {"max_compressed_size_ratio": "FAIL", "max_size_bytes": "FAIL", "max_size_ratio": "FAIL"},
    "slow_throughput_test": {"min_samples_per_s": "FAIL"},
    "stamped_reproducibility_test": {"max_differing_files": "FAIL"},
    "sided_compatibility_test": {"max_signature_changes": "FAIL", "min_agreement": "FAIL"},
    "typed_parity_test": {"max_relative_difference": "PASS"},
    "unsure_accuracy_test": {"max_accuracy_drop": "NOT PROVEN", "min_accuracy": "PASS"},
    "wrong_accuracy_test": {"max_accuracy_drop": "FAIL", "min_accuracy": "FAIL", "min_agreement": "FAIL"},
    "wrong_compatibility_test": {"max_signature_changes": "PASS"},
    "wrong_parity_test": {"max_absolute_difference": "FAIL", "min_agreement": "FAIL"},
}
# Others that pass and that fail.
_OTHERS = {
    "//clock:clock_contract_test": "FAILED",
    "//clock:rival_contract_test": "PASSED",
    "//gates:nothing_python_test": "FAILED",
    "//gates:right_against_wide_latency_test": "FAILED",
    "//gates:right_python_test": "PASSED",
    "//gates:wrong_python_test": "FAILED",
    "//images:right_deployment_test": "PASSED",
    "//images:wrong_deployment_test": "FAILED",
}


@pytest.fixture(scope="module")
def result(bazel: Bazel) -> Result:
    return bazel.run("test", "--keep_going", "//gates/...", "//clock/...", "//images/...")


def _status(result: Result, label: str) -> str:
    (line,) = [line for line in result.output.splitlines() if line.startswith(f"{label} ")]
    return line.removeprefix(label).replace("(cached)", "").split()[0]


def _cases(logs: Path) -> dict[str, ElementTree.Element]:
    return {str(case.get("name")): case for case in ElementTree.parse(logs / "test.xml").iter("testcase")}


def test_the_run_fails(result: Result) -> None:
    assert result.status == 3, result.output


@pytest.mark.parametrize("name", _VERDICTS)
def test_each_budget_has_its_verdict(name: str, bazel: Bazel, result: Result) -> None:
    verdicts = _VERDICTS[name]
    logs = bazel.testlogs() / "gates" / name
    passes = set(verdicts.values()) == {"PASS"}
    assert _status(result, f"//gates:{name}") == ("PASSED" if passes else "FAILED")

    measurement: dict[str, Any] = json.loads(undeclared_output(logs, "measurement.json"))
    schema = source_tree() / "lepton_rules" / "measure" / "measurement.schema.json"
    jsonschema.validate(measurement, json.loads(schema.read_text("utf-8")))
    assert measurement["label"] == f"//gates:{name}"
    assert {budget["name"]: budget["verdict"] for budget in measurement["budgets"]} == verdicts

    cases = _cases(logs)
    failures = {name: case.find("failure") for name, case in cases.items()}
    assert {name: "PASS" if found is None else found.get("type") for name, found in failures.items()} == verdicts

    first = [line for line in (logs / "test.log").read_text("utf-8").splitlines() if line.startswith("lepton: ")]
    assert len(first) == sum(verdict != "PASS" for verdict in verdicts.values())
    kind = name.removeprefix("against_").partition("_")[2].removesuffix("_test")
    for line, budget in zip(first, verdicts, strict=False):
        assert line.startswith(f"lepton: {kind} test in //gates:{name}: ")
        assert any(f"{budget} is {verdict}: " in line for budget, verdict in verdicts.items()), budget


@pytest.mark.parametrize("label", _OTHERS)
def test_other_tests_fail_too(label: str, bazel: Bazel, result: Result) -> None:
    assert _status(result, label) == _OTHERS[label]


def test_a_contract_that_is_broken_is_named(bazel: Bazel, result: Result) -> None:
    log = (bazel.testlogs() / "clock" / "clock_contract_test" / "test.log").read_text("utf-8")
    (line,) = [line for line in log.splitlines() if line.startswith("lepton: ")]
    assert line.startswith(
        "lepton: contract of plugin clock 1.0.0 in //clock:clock_contract_test: passes.stamp with the default "
        "configuration gives another outcome twice in a row: files.text.txt.sha256 is "
    )
    assert line.endswith(" Seed every generator, sort every set, and leave out times and paths.")


def test_a_latency_that_cannot_be_measured_is_an_error_of_each_budget(bazel: Bazel, result: Result) -> None:
    logs = bazel.testlogs() / "gates" / "right_against_wide_latency_test"
    message = (
        "lepton: baseline //gates:wide in //gates:right_against_wide_latency_test: it takes the inputs "
        "[('x', 'float64', [2])], and //gates:right takes [('x', 'float32', [2])]. "
        "Compare with a model of the same signature."
    )
    assert message in (logs / "test.log").read_text("utf-8").splitlines()
    cases = _cases(logs)
    assert sorted(cases) == ["max_p50_ms", "min_speedup"]
    for case in cases.values():
        error = case.find("error")
        assert error is not None and error.get("message") == message


def test_a_chip_that_is_absent_skips_what_must_run_on_it_and_nothing_else(bazel: Bazel) -> None:
    result = bazel.run("test", "//chips/...")
    assert result.status == 0, result.output
    assert _status(result, "//chips:pressed_size_test") == "PASSED"
    assert _status(result, "//chips:pressed_latency_test") == "SKIPPED"
    assert (bazel.bin() / "chips" / "pressed" / "1_bind" / "manifest.json").exists()

    named = bazel.run("test", "//chips:pressed_latency_test")
    assert named.status == 1
    assert "Target //chips:pressed_latency_test is incompatible and cannot be built" in named.output

    present = bazel.run("test", "--//chips:press_available", "//chips/...")
    assert present.status == 0, present.output
    assert _status(present, "//chips:pressed_latency_test") == "PASSED"
    assert " worker" not in present.output.rpartition(" processes:")[2], "nothing was built again for it"
