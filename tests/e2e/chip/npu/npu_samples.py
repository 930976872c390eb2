"""Small networks for the contract of lepton_plugin_npu: one in floating point, one quantized, and its program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from lepton_plugin_npu.chip import FORMAT, LANES
from lepton_plugin_npu.compiler import compile_network
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from lepton_rules.plugin import ExportContext, ModelDirectory, ModelFacts, TensorSpec
from lepton_rules.plugin.contract import SampleModel, Samples

_SIDE, _CLASSES = 4, 3
_INPUT = TensorSpec("image", "float32", ("batch", 1, _SIDE, _SIDE))
_OUTPUT = TensorSpec("logits", "float32", ("batch", _CLASSES))
# Of the chip's three layers with weights and without.
_SCALES = {"image": 1 / 127, "sums": 0.02, "lit": 0.015, "most": 0.015, "flat": 0.015, "logits": 0.05}
_WEIGHT_SCALE = 0.01


def write(directory: Path) -> Samples:
    """Writes all three, and pictures for them."""
    random = np.random.default_rng(0)
    images = random.random((5, 1, _SIDE, _SIDE), np.float32)
    np.savez(directory / "images.npz", image=images, labels=np.zeros(5, np.int64))

    def sample(name: str, channels: int) -> SampleModel:
        path = directory / name
        path.mkdir()
        return SampleModel(path=path, facts=_facts(channels), dataset=directory / "images.npz")

    network = sample("network", channels=6)
    _save(_network(6, random, quantized=False), network.path)
    quantized = sample("quantized", channels=LANES)
    _save(_network(LANES, random, quantized=True), quantized.path)
    program = sample("program", channels=LANES)
    manifest = {
        "inputs": [_INPUT.to_json()],
        "outputs": [_OUTPUT.to_json()],
        "parameters": quantized.facts.parameters,
        "macs": quantized.facts.macs,
    }
    model = ModelDirectory(path=quantized.path, manifest=manifest)
    compile_network(ExportContext(label="", config=None, model=model, hardware=None, output=program.path))
    return Samples(
        models={"onnx": network, "exporters.compile": quantized, FORMAT: program},
        configs={"passes.pad_channels": [{"multiple": LANES}, {"multiple": 4}]},
        signature="npu_samples:signature",
    )


def signature(format: str, path: Path) -> tuple[list[TensorSpec], list[TensorSpec]]:
    """Inputs and outputs by the files. A program knows no more of them than their names."""
    if format == FORMAT:
        program = json.loads((path / "program.json").read_text("utf-8"))
        names = [port["name"] for side in ("inputs", "outputs") for port in program[side]]
        assert names == [_INPUT.name, _OUTPUT.name]
        return [_INPUT], [_OUTPUT]
    graph = onnx.load(path / "model.onnx").graph

    def spec(value: onnx.ValueInfoProto) -> TensorSpec:
        tensor = value.type.tensor_type
        dtype = helper.tensor_dtype_to_np_dtype(tensor.elem_type).name
        return TensorSpec(value.name, dtype, tuple(d.dim_param or d.dim_value for d in tensor.shape.dim))

    return [spec(value) for value in graph.input], [spec(value) for value in graph.output]


def _facts(channels: int) -> ModelFacts:
    convolution, dense = channels * 9, channels * (_SIDE // 2) ** 2 * _CLASSES
    return ModelFacts(
        inputs=(_INPUT,),
        outputs=(_OUTPUT,),
        parameters=convolution + channels + dense + _CLASSES,
        macs=convolution * _SIDE**2 + dense,
    )


def _save(model: onnx.ModelProto, path: Path) -> None:
    (path / "model.onnx").write_bytes(model.SerializeToString(deterministic=True))


def _network(channels: int, random: np.random.Generator, quantized: bool) -> onnx.ModelProto:
    """A convolution, what follows one, and a dense layer; with `quantized`, integers on every edge."""
    graph = _Graph(quantized)
    places = (_SIDE // 2) ** 2
    graph.layer("Conv", "image", "sums", random.normal(0, 0.4, (channels, 1, 3, 3)), pads=[1, 1, 1, 1])
    graph.layer("Relu", "sums", "lit")
    graph.layer("MaxPool", "lit", "most", kernel_shape=[2, 2], strides=[2, 2])
    graph.layer("Flatten", "most", "flat")
    graph.layer("Gemm", "flat", "logits", random.normal(0, 0.4, (channels * places, _CLASSES)))
    return graph.model()


class _Graph:
    def __init__(self, quantized: bool) -> None:
        self._quantized = quantized
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        if quantized:
            self._quantize("image", "image")

    def layer(self, op: str, source: str, target: str, weight: NDArray[Any] | None = None, **attributes: Any) -> None:
        """Adds a layer; a weight comes with a bias."""
        scale = _SCALES[source] * _WEIGHT_SCALE
        inputs = [source + ("_real" if self._quantized else "")]
        if weight is not None:
            outputs = weight.shape[0 if op == "Conv" else 1]
            inputs.append(self._weight(f"{target}_weight", weight, _WEIGHT_SCALE, np.int8))
            inputs.append(self._weight(f"{target}_bias", np.linspace(-0.1, 0.1, outputs), scale, np.int32))
        made = f"{target}_made" if self._quantized else target
        self._nodes.append(helper.make_node(op, inputs, [made], op.lower(), **attributes))
        if self._quantized:
            self._quantize(made, target)

    def model(self) -> onnx.ModelProto:
        # The last edge is the network's output, under its name.
        self._nodes[-1].output[0] = _OUTPUT.name
        graph = helper.make_graph(
            self._nodes,
            "sample",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, list(_INPUT.shape))],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, list(_OUTPUT.shape))],
            self._constants,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

    def _quantize(self, made: str, name: str) -> None:
        """Quantizes and dequantizes a tensor: `<name>_real` is what the next layer reads."""
        about = [self._constant(f"{name}_scale", np.float32(_SCALES[name])), self._constant(f"{name}_zero", np.int8(0))]
        self._nodes += [
            helper.make_node("QuantizeLinear", [made, *about], [f"{name}_integers"], f"{name}_quantize"),
            helper.make_node("DequantizeLinear", [f"{name}_integers", *about], [f"{name}_real"], f"{name}_dequantize"),
        ]

    def _weight(self, name: str, values: NDArray[Any], scale: float, dtype: type[np.integer[Any]]) -> str:
        """The name of a constant's real values."""
        if not self._quantized:
            return self._constant(name, values.astype(np.float32))
        integers = np.clip(np.rint(values / scale), np.iinfo(dtype).min, np.iinfo(dtype).max).astype(dtype)
        inputs = [self._constant(f"{name}_integers", integers), self._constant(f"{name}_scale", np.float32(scale))]
        self._nodes.append(helper.make_node("DequantizeLinear", inputs, [name], f"{name}_dequantize"))
        return name

    def _constant(self, name: str, values: Any) -> str:
        self._constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name
