"""A latency test runs with the threads, the batch and the CPUs of its hardware target: read from what it measured, of
onnxruntime itself, for targets that differ."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from bazel import Bazel, Result
from test_names import undeclared_output

_CPUS = sorted(os.sched_getaffinity(0))
# One CPU each, so that a thread of the runtime that leaves it is seen.
_NARROW, _WIDE = _CPUS[:1], _CPUS[-1:]

_PACKAGE = f"""\
load(
    "@lepton_rules//lepton_rules:defs.bzl",
    "lepton_artifact",
    "lepton_hardware",
    "lepton_latency_test",
    "lepton_model",
    "lepton_throughput_test",
)
load("@lepton_rules//plugins/onnx:passes.bzl", "onnx")

genrule(
    name = "network_file",
    srcs = ["network.py"],
    outs = ["network.onnx"],
    cmd = "$(execpath @lepton_rules_onnx//:python) $(execpath network.py) $@",
    tools = ["@lepton_rules_onnx//:python"],
)
lepton_model(name = "network", data = ["network.onnx"], importer = onnx.onnx())

lepton_hardware(
    name = "narrow",
    affinity = "{_NARROW[0]}",
    plugin = "@lepton_rules//plugins/onnxruntime",
    target = "cpu",
)
lepton_hardware(
    name = "wide",
    affinity = "{_WIDE[0]}",
    batch = 4,
    plugin = "@lepton_rules//plugins/onnxruntime",
    target = "cpu",
    threads = 3,
)
[
    lepton_artifact(name = "on_" + chip, dataset = "//data:coins", hardware = chip, model = ":network")
    for chip in ["narrow", "wide"]
]
lepton_latency_test(name = "narrow_latency_test", artifact = ":on_narrow", max_p50_ms = 1000)
lepton_latency_test(
    name = "wide_latency_test",
    artifact = ":on_wide",
    baseline = ":on_narrow",
    max_p50_ms = 1000,
    min_speedup = 0.01,
)
lepton_latency_test(name = "two_latency_test", artifact = ":on_wide", batch = 2, max_p50_ms = 1000)
lepton_throughput_test(name = "wide_throughput_test", artifact = ":on_wide", min_samples_per_s = 1)
"""

_NETWORK = '''\
"""Writes a network of one hidden layer: `network.py OUTPUT`."""

import sys

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

weights = [numpy.ones((2, 256), numpy.float32), numpy.ones((256, 2), numpy.float32)]
graph = helper.make_graph(
    [
        helper.make_node("MatMul", ["x", "w0"], ["sums"]),
        helper.make_node("Relu", ["sums"], ["hidden"]),
        helper.make_node("MatMul", ["hidden", "w1"], ["y"]),
    ],
    "network",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 2])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 2])],
    [numpy_helper.from_array(weight, f"w{number}") for number, weight in enumerate(weights)],
)
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), sys.argv[1])
'''


@pytest.fixture(scope="module")
def result(bazel: Bazel) -> Result:
    folder = bazel.workspace / "hardware"
    folder.mkdir()
    (folder / "BUILD.bazel").write_text(_PACKAGE, encoding="utf-8")
    (folder / "network.py").write_text(_NETWORK, encoding="utf-8")
    return bazel.run("test", "--keep_going", "//hardware/...")


@pytest.mark.parametrize(
    ("name", "threads", "batch", "cpus"),
    [
        ("narrow_latency_test", {"artifact": 1}, 1, _NARROW),
        # The baseline, which was made for the other target, has what the artifact has.
        ("wide_latency_test", {"artifact": 3, "baseline": 3}, 4, _WIDE),
        ("two_latency_test", {"artifact": 3}, 2, _WIDE),
        ("wide_throughput_test", {"artifact": 3}, 4, _WIDE),
    ],
)
def test_what_was_measured_had_what_the_hardware_declares(
    name: str, threads: dict[str, int], batch: int, cpus: list[int], bazel: Bazel, result: Result
) -> None:
    assert result.statuses()[f"//hardware:{name}"] == "PASSED", result.output
    measured: dict[str, Any] = json.loads(undeclared_output(bazel.testlogs() / "hardware" / name, "measurement.json"))
    assert measured["samples"]["threads"] == threads
    assert measured["samples"]["batch"] == batch
    assert measured["environment"]["cpus"] == cpus
    assert measured["environment"]["threads"] == threads["artifact"]
