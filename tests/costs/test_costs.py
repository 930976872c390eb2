"""The tool that measures a cost table: what it writes is one that torch.prune_channels accepts."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from lepton_plugin_torch.cost_table import CostTable, Layer

from lepton_rules.tools.costs.graphs import LENGTH, SIZES, network
from lepton_rules.tools.costs.main import main, table, text

_LAYOUT = {"ReorderInput", "ReorderOutput", "Transpose"}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BUILD_WORKING_DIRECTORY", str(tmp_path))
    return tmp_path


def loaded(written: str) -> dict[str, Any]:
    """COSTS of a file, which is both Starlark and Python: one docstring, and one assignment of literals."""
    _, assigned = ast.parse(written).body
    assert isinstance(assigned, ast.Assign)
    assert ast.unparse(assigned.targets) == "COSTS"
    return dict(ast.literal_eval(assigned.value))


@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_measures_a_table_that_the_pass_accepts(here: Path, dtype: str, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--dtype", dtype, "--points", "3", "--repeats", "2", "--channel_multiple", "8", "--output", "a b.bzl"]
    assert main(flags) == 0
    written = (here / "a b.bzl").read_text("utf-8")
    assert capsys.readouterr().out.startswith(f"{here / 'a b.bzl'}: 6 points, overhead ")
    assert f"in onnxruntime {onnxruntime.__version__}:\n# {dtype}, threads: 1. Written by\n# bazel run " in written
    assert "--output 'a b.bzl'\n" in written
    made = CostTable.parse(json.dumps(loaded(written)))
    assert made.channel_multiple == 8
    assert made.overhead_us > 0
    assert [macs for macs, _ in made.linear] == [16**2, 32**2, 64**2]
    assert [macs for macs, _ in made.convolution] == [9 * 4 * 16**2, 9 * 16 * 16**2, 9 * 64 * 16**2]


def test_an_empty_networks_time_is_no_layers_and_costs_rise() -> None:
    made = table([5.0, 5.0 + 2 * LENGTH, 5.0 + 1 * LENGTH, 4.0, 5.0 + 3 * LENGTH], 2, 16)
    assert [cost for _, cost in made["convolution"]] == [2.0, 2.0]
    assert [cost for _, cost in made["linear"]] == [0.0, 3.0]
    assert loaded(text(made, ["said"])) == made
    layers = [Layer("linear", 1, 32, 32), Layer("convolution", 4, 16, 16, 9)]
    assert CostTable.parse(json.dumps(made)).microseconds(layers) == 5.0 + 3.0 + 2.0


@pytest.mark.parametrize("kind", SIZES)
@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_layers_are_the_kernels_of_production_and_their_numbers_live(kind: str, dtype: str, tmp_path: Path) -> None:
    model = network(SIZES[kind][3], dtype)
    onnx.checker.check_model(model, full_check=True)
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    kernels = [node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node]
    named = {"convolution": {"float32": "Conv", "int8": "QLinearConv"}, "linear": {"float32": "Gemm", "int8": "QGemm"}}
    # Besides the layers, only what brings the input and the output into their layout.
    assert [kernel for kernel in kernels if kernel not in _LAYOUT] == [named[kind][dtype]] * LENGTH
    value = np.random.default_rng(1).standard_normal(SIZES[kind][3].shape)
    value = value.astype(np.float32) if dtype == "float32" else (128 + 20 * value).clip(0, 255).astype(np.uint8)
    (result,) = session.run(None, {"x": value})
    assert result.shape == value.shape
    assert len(np.unique(result)) > 8


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (["--threads", "0"], "--threads is 0, and is from 1 to "),
        (["--threads", "100000"], "--threads is 100000, and is from 1 to "),
        (["--points", "1"], "--points is 1, and is from 2 to 8"),
        (["--repeats", "0"], "--repeats is 0"),
        (["--channel_multiple", "5000"], "--channel_multiple is 5000"),
        (["--dtype", "int4"], "argument --dtype: invalid choice: 'int4'"),
        (["--output", "costs.json"], "--output is costs.json. Name a .bzl file."),
        (["--points", "2", "--repeats", "1", "--output", "file/costs.bzl"], "cannot be written"),
    ],
)
def test_says_in_a_line_what_is_wrong(
    here: Path, flags: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "file").touch()
    assert main(["--output", "costs.bzl", *flags]) == 1
    said = capsys.readouterr().err
    assert re.fullmatch(r"lepton: costs: .*\.\n", said)
    assert why in said
    assert not (here / "costs.bzl").exists()
