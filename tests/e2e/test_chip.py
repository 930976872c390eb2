"""A stranger's module with a chip that lepton_rules has never heard of: see README.md."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bazel import Bazel, Result
from module import place

_AVAILABLE = "--//npu:npu_v1_available"
_LATENCY = "//meter:meter_int8_npu_latency_test"
_TESTS = {
    "//meter:meter_int8_npu_accuracy_test",
    "//meter:meter_int8_npu_size_test",
    "//meter:meter_test",
    "//npu:contract_test",
    _LATENCY,
}


@pytest.fixture(scope="module")
def bazel() -> Iterator[Bazel]:
    nested = Bazel(place(Path(__file__).parent / "chip", "chip"), "chip", rc=True)
    yield nested
    nested.shutdown()


@pytest.fixture(scope="module")
def result(bazel: Bazel) -> Result:
    return bazel.run("test", "--test_output=errors", "//...")


def _manifest(bazel: Bazel, artifact: str, last: str) -> Any:
    (path,) = (bazel.bin() / "meter" / artifact).glob(f"*_{last}/manifest.json")
    return json.loads(path.read_text("utf-8"))


def _configs(manifest: Any) -> dict[str, Any]:
    return {step["pass"]: step["config"] for step in manifest["steps"]}


def test_the_chip_has_its_artifact_and_what_must_run_on_it_is_skipped(result: Result) -> None:
    """`//meter:meter_test` holds that the graphs differ, and that the driver refuses the artifact for the CPU."""
    assert result.status == 0, result.output
    assert result.statuses() == {**dict.fromkeys(_TESTS, "PASSED"), _LATENCY: "SKIPPED"}
    assert result.lepton_lines() == []


def test_its_latency_is_measured_where_it_is(bazel: Bazel, result: Result) -> None:
    present = bazel.run("test", _AVAILABLE, "//meter/...")
    assert present.status == 0, present.output
    assert present.statuses()[_LATENCY] == "PASSED"
    assert " worker" not in present.output.rpartition(" processes:")[2], "nothing was built again for it"


def test_one_recipe_means_what_each_chip_can_do(bazel: Bazel, result: Result) -> None:
    cpu = _configs(_manifest(bazel, "meter_int8_cpu", "onnx.quantize"))
    npu = _configs(_manifest(bazel, "meter_int8_npu", "npu.compile"))
    assert list(cpu) == ["onnx.onnx", "npu.pad_channels", "onnx.optimize", "onnx.quantize"]
    assert list(npu) == [*cpu, "npu.compile"], "the exporter was inserted"
    assert (cpu["npu.pad_channels"], npu["npu.pad_channels"]) == ({"multiple": 1}, {"multiple": 16})
    differs = {key: (value, npu["onnx.quantize"][key]) for key, value in cpu["onnx.quantize"].items()}
    assert {key: pair for key, pair in differs.items() if pair[0] != pair[1]} == {
        "activation_symmetric": (False, True),
        "activation_type": ("uint8", "int8"),
        "per_channel": (True, False),
        "quantize_bias": (False, True),
        "reduce_range": (True, False),
    }


def test_each_pass_ran_with_its_own_plugins_libraries(bazel: Bazel, result: Result) -> None:
    manifest = _manifest(bazel, "meter_int8_npu", "npu.compile")
    assert manifest["format"] == "npu"
    assert manifest["hardware"]["target"] == "npu_v1"
    libraries = {step["pass"]: step["libraries"] for step in manifest["steps"]}
    for name in ("npu.pad_channels", "npu.compile"):
        assert {key: libraries[name][key] for key in ("numpy", "onnx")} == {"numpy": "1.26.4", "onnx": "1.17.0"}
        assert "onnxruntime" not in libraries[name]
    for name in ("onnx.onnx", "onnx.optimize", "onnx.quantize"):
        assert int(libraries[name]["numpy"].split(".")[0]) >= 2
        assert libraries[name]["onnx"] != "1.17.0"


# What cannot be: the target, flags, and the error's first line.
def test_a_report_tells_how_long_a_pass_ran_in_its_own_build(bazel: Bazel, result: Result, tmp_path: Path) -> None:
    """And of one that a cache gave, it says that none is known."""
    build = bazel.workspace / "meter" / "BUILD.bazel"
    text = build.read_text("utf-8")
    never_made = f"onnx.optimize(max_folded_bytes = {time.time_ns() // 1000 % (1 << 29) + (1 << 24)})"
    build.write_text(
        f"""{text}
lepton_artifact(
    name = "timed",
    hardware = "@lepton_rules//plugins/onnxruntime:cpu",
    model = ":meter",
    recipe = [{never_made}],
)
""",
        "utf-8",
    )
    try:
        run = bazel.run("run", "//meter:timed.report", "--", "--no_profile", f"--output={tmp_path}")
    finally:
        build.write_text(text, "utf-8")
    assert run.status == 0, run.output
    (entry,) = json.loads((tmp_path / "timed.report.json").read_text("utf-8"))["artifacts"]
    imported, optimized = entry["lineage"]
    assert optimized["pass"] == "onnx.optimize" and 0 < optimized["build"]["seconds"] < 60
    assert imported["build"] is None
    assert "How long onnx.onnx of //meter:timed ran is not known" in run.output
    assert f"{optimized['build']['build']} of {optimized['build']['date']}" in (
        tmp_path / "timed.report.html"
    ).read_text("utf-8")


_REFUSED = {
    "what_the_chip_cannot_do": (
        "meter_per_channel",
        [],
        "lepton: per_channel = true of onnx.quantize in //meter:meter_per_channel: it comes from the artifact and "
        "needs int8_per_channel, which //npu:npu_v1 does not have; it has dynamic_shapes, int8, int8_activations, "
        "int8_full_range, int8_symmetric. "
        "Set per_channel to a value that the hardware supports, or choose hardware with int8_per_channel.",
    ),
    "what_the_compiler_cannot_do": (
        "meter_not_padded",
        [],
        "lepton: exporter npu.compile in //meter:meter_not_padded: 'convolution_1' of the network cannot be compiled: "
        "it has 12 channels, and the chip takes multiples of 16. Put npu.pad_channels before onnx.quantize.",
    ),
    "an_artifact_for_the_cpu": (
        "meter_for_cpu_on_npu",
        [],
        "lepton: model in //meter:meter_for_cpu_on_npu: //meter:meter_int8_cpu comes from onnx.quantize, which needs "
        "int8_asymmetric, and //npu:npu_v1 does not have it; it has dynamic_shapes, int8, int8_activations, "
        "int8_full_range, int8_symmetric. "
        "Start from the model as it was before, or choose hardware with int8_asymmetric.",
    ),
    "a_ratio_of_two_runtimes": (
        "meter_against_cpu_latency_test",
        [_AVAILABLE],
        "lepton: baseline in //meter:meter_against_cpu_latency_test: //meter:meter_int8_cpu does not run in the "
        "runtime npu.driver of //meter:meter_int8_npu; a ratio is judged in one process. "
        "Compare with an artifact for hardware of the same runtime.",
    ),
}


@pytest.mark.parametrize("case", _REFUSED)
def test_what_cannot_be_is_one_clear_line(bazel: Bazel, result: Result, case: str) -> None:
    target, flags, says = _REFUSED[case]
    refused = bazel.run("build", *flags, f"//meter:{target}")
    assert refused.status == 1, refused.output
    assert refused.lepton_lines() == [says], refused.output


def test_a_target_that_needs_the_chip_is_an_error_by_name(bazel: Bazel, result: Result) -> None:
    named = bazel.run("test", _LATENCY)
    assert named.status == 1
    assert f"Target {_LATENCY} is incompatible and cannot be built" in named.output


def test_passes_bzl_is_written_by_the_sdk(bazel: Bazel, result: Result) -> None:
    """The first one by the generator, the next ones by the contract test's `.update`."""
    passes = bazel.workspace / "npu" / "passes.bzl"
    text = passes.read_text("utf-8")
    words = "--name npu --entry lepton_plugin_npu --path npu --label //npu --output first.bzl".split()
    first = bazel.run("run", "@lepton_rules//lepton_rules:generate", "--", *words)
    assert first.status == 0, first.output
    assert (bazel.workspace / "first.bzl").read_text("utf-8") == text

    passes.write_text(text + "# An edit.\n", encoding="utf-8")
    update = bazel.run("run", "//npu:contract_test.update")
    assert update.status == 0, update.output
    assert passes.read_text("utf-8") == text
