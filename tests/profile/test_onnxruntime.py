"""What onnxruntime's profiler tells, and the programs on a small network."""

from __future__ import annotations

import json
import re
import signal
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import onnx
import pytest
from lepton_plugin_onnxruntime.config import RuntimeConfig
from lepton_plugin_onnxruntime.profiling.profiler import OnnxProfiler
from lepton_plugin_onnxruntime.profiling.sensitivity import sqnr_db
from subjects import HARDWARE, PROGRAMS, convnet, directory_of, flags_of, quantized, samples, start

from lepton_rules import manifest
from lepton_rules.manifest import schema
from lepton_rules.plugin import LeptonError, ModelDirectory, RuntimeContext
from lepton_rules.profile.protocol import Event, profiler_of

CONV1 = 2 * 8 * 16 * 16 * 3 * 9
CONV2 = 2 * 8 * 16 * 16 * 8 * 9
HEAD = 2 * 5 * 8


def context_of(folder: Path) -> RuntimeContext:
    return RuntimeContext(
        label="//models:small",
        config=RuntimeConfig(),
        model=ModelDirectory(folder / "model", manifest.read(folder / "manifest.json")),
        hardware=HARDWARE,
    )


def profiled(folder: Path, runs: int = 3) -> list[Event]:
    profiler = OnnxProfiler(context_of(folder))
    for _ in range(runs):
        profiler.run({"x": samples(1)})
    return profiler.finish()


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_layers_are_found_in_the_runtime_s_graph(tmp_path: Path, precision: str) -> None:
    model = convnet() if precision == "float32" else quantized(convnet(), tmp_path)
    events = profiled(directory_of(model, tmp_path / "a"))
    layers = {event.layer: event for event in events if event.layer}
    assert {name: event.operations for name, event in layers.items()} == {"conv1": CONV1, "conv2": CONV2, "head": HEAD}
    assert {event.precision for event in layers.values()} == {precision}
    assert {event.run for event in events} == {0, 1, 2}
    assert {event.place for event in events} == {"CPUExecutionProvider"}
    # Data in and out, and the weights, which a kernel may have packed for itself.
    size = 4 if precision == "float32" else 1
    least = size * (8 * 16 * 16 * 2 + 8 * 8 * 9)
    assert least <= layers["conv2"].moved_bytes <= 3 * least  # and a sum may be fused, channels padded
    assert all(event.duration_ns >= 0 and event.operations is None for event in events if not event.layer)
    starts = [event.start_ns for event in events]
    assert starts == sorted(starts)


def test_layers_of_the_file_and_their_precision(tmp_path: Path) -> None:
    a, b = directory_of(convnet(), tmp_path / "a"), directory_of(quantized(convnet(), tmp_path), tmp_path / "b")
    for folder, precision in ((a, "float32"), (b, "int8")):
        found = OnnxProfiler.layers(context_of(folder).model)
        assert [(layer.name, layer.weights, layer.precision) for layer in found] == [
            ("conv1", 8 * 3 * 9, precision),
            ("conv2", 8 * 8 * 9, precision),
            ("head", 5 * 8, precision),
        ]


def test_peaks_are_of_this_world() -> None:
    context = RuntimeContext(label="x", config=None, model=ModelDirectory(Path(), {}), hardware=HARDWARE)
    peaks = OnnxProfiler.peaks(context)
    assert set(peaks.operations) == {"float32", "int8"}
    assert all(1e9 < rate < 1e14 for rate in peaks.operations.values())
    assert [size for size, _ in peaks.bandwidth] == sorted(size for size, _ in peaks.bandwidth)
    assert all(1e8 < rate < 1e13 for _, rate in peaks.bandwidth)


def test_sensitivity_against_rounding_by_hand(tmp_path: Path) -> None:
    folder = directory_of(convnet(), tmp_path / "a")
    inputs = {"x": samples(6)}
    found = {one.layer: one.sqnr_db for one in OnnxProfiler.sensitivity(context_of(folder).model, inputs, 1)}
    assert set(found) == {"conv1", "conv2", "head"}
    # The head by hand: its data is 256 values between their extremes, its weights 255 values for each output.
    model = convnet()
    tapped = onnx.ModelProto()
    tapped.CopyFrom(model)
    tapped.graph.output.append(onnx.ValueInfoProto(name="f"))
    import onnxruntime

    session = onnxruntime.InferenceSession(tapped.SerializeToString(), providers=["CPUExecutionProvider"])
    y, f = session.run(["y", "f"], inputs)
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    w, b = constants["w3"], constants["b3"]
    low, high = min(f.min(), 0), max(f.max(), 0)
    scale = (high - low) / 255
    zero = round(-low / scale)
    rounded = (np.clip(np.round(f / scale) + zero, 0, 255) - zero) * scale
    step = np.abs(w).max(1, keepdims=True) / 127
    by_hand = rounded @ (np.round(w / step) * step).T + b
    assert found["head"] == pytest.approx(sqnr_db([y], [by_hand.astype(np.float32)]), abs=0.05)


def test_the_worst_layer_comes_first(tmp_path: Path) -> None:
    folder = directory_of(convnet(poor=3000.0), tmp_path / "a")
    found = OnnxProfiler.sensitivity(context_of(folder).model, {"x": samples(6)}, 1)
    assert [one.sqnr_db for one in found] == sorted(one.sqnr_db for one in found)
    healthy = directory_of(convnet(), tmp_path / "b")
    before = {
        one.layer: one.sqnr_db for one in OnnxProfiler.sensitivity(context_of(healthy).model, {"x": samples(6)}, 1)
    }
    assert {one.layer: one.sqnr_db for one in found}["head"] != before["head"]


def test_sqnr_at_its_ends() -> None:
    one = np.ones(4, np.float32)
    assert sqnr_db([one], [one]) == 200
    assert sqnr_db([one], [one * 1.1]) == pytest.approx(20, abs=0.01)
    assert sqnr_db([one * 0], [one]) == -200
    assert sqnr_db([np.ones(2, np.int64)], [np.zeros(2, np.int64)]) == 200


def test_a_runtime_that_names_what_is_not_there() -> None:
    class Runtime:
        profiler = "lepton_plugin_onnxruntime.profiling.profiler:NoSuch"

    with pytest.raises(LeptonError, match=r"the runtime names .*:NoSuch', which is not there"):
        profiler_of(Runtime)
    assert profiler_of(object()) is None


def run(name: str, flags: list[str], folder: Path) -> tuple[int, str]:
    process = start(name, flags, folder)
    output, _ = process.communicate(timeout=100)
    return process.returncode, output


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    folder = tmp_path_factory.mktemp("artifact")
    parent = directory_of(convnet(), folder / "1", ("onnx.onnx",))
    final = directory_of(quantized(convnet(), folder), folder / "2", ("onnx.onnx", "onnx.quantize"))
    return folder, flags_of(folder, {1: parent, 2: final}, final)


def test_profile_end_to_end(artifact: tuple[Path, list[str]]) -> None:
    folder, flags = artifact
    status, output = run(
        "profile", [*flags, "--seconds=0.2", "--samples=8", "--json=out.json", "--trace=out.trace.json"], folder
    )
    assert status == 0, output
    profile = json.loads((folder / "out.json").read_text())
    assert list(schema.problems(profile, json.loads((PROGRAMS / "profile.schema.json").read_text()))) == []
    assert sum(node["share"] for node in profile["nodes"]) == pytest.approx(1)
    assert sum(group["share"] for group in profile["groups"]) == pytest.approx(1)
    assert 0 < profile["roof_share"] <= 1
    assert {layer["name"]: layer["precision"] for layer in profile["layers"]} == dict.fromkeys(
        ("conv1", "conv2", "head"), "int8"
    )
    measured = [layer["sqnr_db"] for layer in profile["layers"]]
    assert measured == sorted(measured)
    assert [step["name"] for step in profile["steps"]] == ["onnx.onnx", "onnx.quantize"]
    assert all(step["latencies_ns"] for step in profile["steps"])
    assert 10 < profile["output_sqnr_db"] < 100
    assert profile["memory"]["load_peak"] >= profile["memory"]["libraries"] > 1e6
    for words in ("time by operator", "of the roofline", "sensitivity", "after each pass", "advice", "measured peaks"):
        assert words in output
    trace = json.loads((folder / "out.trace.json").read_text())["traceEvents"]
    spans = [event for event in trace if event["ph"] == "X"]
    inferences = [event for event in spans if event["cat"] == "inference"]
    operators = [event for event in spans if event["cat"] == "operator"]
    assert len(inferences) == 40 and len(operators) == 40 * len(profile["nodes"])
    assert all(event["dur"] >= 0 and event["args"]["node"] for event in operators)


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--seconds=0", "lepton: --seconds in //models:small.profile: it is 0.0. Give more than 0 and at most 600."),
        ("--samples=-1", "lepton: --samples in //models:small.profile: it is -1. Give 0 to 4096."),
        ("--batch=0", "lepton: --batch in //models:small.profile: it is 0, and //models:small takes at least 1."),
        ("--sample=1", "lepton: command line in //models:small.profile: unrecognized arguments: --sample=1."),
    ],
)
def test_wrong_flags_are_one_line(artifact: tuple[Path, list[str]], flag: str, message: str) -> None:
    folder, flags = artifact
    # A batch of 0 is not one that was left out.
    status, output = run("profile", [*flags, flag], folder)
    assert status == 1
    assert output.startswith(message), output


_LINE = re.compile(r'^[a-z_]+(\{[a-z_]+="(\\.|[^"\\])*"(,[a-z_]+="(\\.|[^"\\])*")*\})? -?[0-9.e+-]+$')


def test_monitor_serves_what_it_measures(artifact: tuple[Path, list[str]]) -> None:
    folder, flags = artifact
    process = start("monitor", [*flags, "--port=0", "--rate=200", "--refresh=0"], folder)
    try:
        assert process.stdout is not None
        address = process.stdout.readline().removeprefix("metrics: ").strip()
        values = scrape(address)
        while values.get("lepton_inference_duration_seconds_count", 0) < 20:
            values = scrape(address)
        assert "lepton_roofline_ratio" in values and values["process_resident_memory_bytes"] > 1e7
        assert values["lepton_samples_total"] >= 20
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(address.replace("/metrics", "/other"), timeout=10)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 0


def scrape(address: str) -> dict[str, float]:
    with urllib.request.urlopen(address, timeout=10) as response:
        assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        lines = response.read().decode().splitlines()
    values: dict[str, float] = {}
    for line in lines:
        if not line.startswith("#"):
            assert _LINE.match(line), line
            values.setdefault(line.partition("{")[0], float(line.rpartition(" ")[2]))
    return values


def test_monitor_watches_a_command(artifact: tuple[Path, list[str]]) -> None:
    folder, flags = artifact
    status, output = run("monitor", [*flags, "--port=0", "--", "sh", "-c", "exit 7"], folder)
    assert status == 7, output
    status, output = run("monitor", [*flags, "--port=0", "--", "./no-such-program"], folder)
    assert status == 1
    assert "lepton: the workload in //models:small.profile: ./no-such-program does not start" in output
