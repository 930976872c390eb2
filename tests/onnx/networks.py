"""Small networks with known weights, and passes run on them as an action runs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from lepton_plugin_onnx import configs
from lepton_plugin_onnx.facts import facts_of
from lepton_plugin_onnx.files import read_model
from onnx import TensorProto, helper, numpy_helper

from lepton_rules.plugin import (
    DatasetFile,
    HardwareFacts,
    ImportContext,
    ModelDirectory,
    ModelFacts,
    Pass,
    PassContext,
    parse_config,
)
from lepton_rules.plugin.manager import load
from lepton_rules.plugin.onnx_canonical import save

Array = np.ndarray[Any, Any]
CONFIGS = {
    "check": configs.CheckConfig,
    "infer_shapes": configs.InferShapesConfig,
    "optimize": configs.OptimizeConfig,
    "quantize": configs.QuantizeConfig,
    "quantize_dynamic": configs.QuantizeDynamicConfig,
    "to_fp16": configs.ToFp16Config,
}


def weights(*shape: int, seed: int = 0, scale: float = 1.0) -> Array:
    return (np.random.default_rng(seed + sum(shape)).standard_normal(shape) * scale).astype(np.float32)


def model_of(
    nodes: Sequence[onnx.NodeProto],
    constants: Mapping[str, Array],
    inputs: Mapping[str, Sequence[int | str]],
    outputs: Mapping[str, Sequence[int | str]],
    opset: int = 20,
    **domains: int,
) -> onnx.ModelProto:
    """A float32 model."""
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(k, v) for k, v in domains.items())]
    return helper.make_model(graph, opset_imports=imports, ir_version=10)


def convnet(opset: int = 20, batch: int | str = "batch") -> onnx.ModelProto:
    """Convolutions, batch normalisation, a residual sum, pooling, a linear head: x [batch, 3, 8, 8] to y [batch, 5]."""
    constants = {
        "w1": weights(8, 3, 3, 3, scale=0.3),
        "bn_scale": np.linspace(0.5, 1.5, 8, dtype=np.float32),
        "bn_bias": np.linspace(-0.2, 0.2, 8, dtype=np.float32),
        "bn_mean": np.linspace(-0.1, 0.1, 8, dtype=np.float32),
        "bn_var": np.linspace(0.5, 2.0, 8, dtype=np.float32),
        "w2": weights(8, 8, 3, 3, scale=0.2),
        "b2": weights(8, scale=0.1),
        "w3": weights(5, 8, scale=0.5),
        "b3": weights(5, scale=0.1),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["c1"], "conv1", pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["c1", "bn_scale", "bn_bias", "bn_mean", "bn_var"], ["n1"], "norm1"),
        helper.make_node("Relu", ["n1"], ["r1"], "relu1"),
        helper.make_node("Conv", ["r1", "w2", "b2"], ["c2"], "conv2", pads=[1, 1, 1, 1]),
        helper.make_node("Add", ["c2", "r1"], ["s"], "sum"),
        helper.make_node("Relu", ["s"], ["r2"], "relu2"),
        helper.make_node("GlobalAveragePool", ["r2"], ["p"], "pool"),
        helper.make_node("Flatten", ["p"], ["f"], "flatten"),
        helper.make_node("Gemm", ["f", "w3", "b3"], ["y"], "head", transB=1),
    ]
    return model_of(nodes, constants, {"x": [batch, 3, 8, 8]}, {"y": [batch, 5]}, opset)


def perceptron(bias: bool = True, **attributes: Any) -> onnx.ModelProto:
    """Two linear layers with a Relu between: x [batch, 6] to y [batch, 3]."""
    nodes = [
        helper.make_node("MatMul", ["x", "w1"], ["m1"], "first"),
        helper.make_node("Relu", ["m1"], ["r1"], "relu"),
        helper.make_node("Gemm", ["r1", "w2", *(["b2"] if bias else [])], ["y"], "second", transB=1, **attributes),
    ]
    constants = {"w1": weights(6, 16), "w2": weights(3, 16), **({"b2": weights(3)} if bias else {})}
    return model_of(nodes, constants, {"x": ["batch", 6]}, {"y": ["batch", 3]})


def samples(count: int = 32, shape: Sequence[int] = (3, 8, 8)) -> Array:
    return np.random.default_rng(7).standard_normal((count, *shape)).astype(np.float32)


def directory_of(model: onnx.ModelProto, path: Path) -> ModelDirectory:
    """The model as a pass is given it."""
    path.mkdir(parents=True)
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    save(copy, path)
    return opened(path)


def opened(path: Path, hardware: HardwareFacts | None = None) -> ModelDirectory:
    facts = facts_of(read_model(path))
    manifest = {
        "format": "onnx",
        "inputs": [spec.to_json() for spec in facts.inputs],
        "outputs": [spec.to_json() for spec in facts.outputs],
        "hardware": hardware and {"target": hardware.target, "options": dict(hardware.options)},
    }
    return ModelDirectory(path=path, manifest=manifest)


def apply(
    name: str,
    model: ModelDirectory | onnx.ModelProto,
    output: Path,
    config: Mapping[str, Any] | None = None,
    calibration: Mapping[str, Array] | None = None,
) -> tuple[ModelDirectory, ModelFacts]:
    """Runs a pass into `output`."""
    if isinstance(model, onnx.ModelProto):
        model = directory_of(model, output.with_name(output.name + "_source"))
    output.mkdir(parents=True)
    slots: dict[str, DatasetFile | ModelDirectory] = {}
    if calibration is not None:
        path = output.with_name(output.name + "_calibration.npz")
        np.savez(path, **calibration)  # type: ignore[arg-type]  # numpy's stubs take allow_pickle for one of them
        slots["calibration"] = DatasetFile(path)
    plugin = load("onnx", "lepton_plugin_onnx")
    descriptor = plugin.find("passes", name)
    assert isinstance(descriptor, Pass)
    implementation = plugin.resolve(descriptor)
    context = PassContext(
        label="//test:model",
        config=parse_config(CONFIGS[name], config or {}, what=f"onnx.{name}"),
        model=model,
        slots=slots,
        hardware=None,
        output=output,
    )
    facts = implementation(context)
    assert isinstance(facts, ModelFacts)
    return opened(output), facts


def import_file(
    source: Path, output: Path, extra: Sequence[Path] = (), config: Mapping[str, Any] | None = None
) -> ModelFacts:
    """Runs the importer into `output`."""
    from lepton_plugin_onnx.importer import import_onnx

    output.mkdir(parents=True, exist_ok=True)
    context = ImportContext(
        label="//test:model",
        config=parse_config(configs.ImportConfig, config or {}, what="onnx.onnx"),
        sources=(source,),
        weights=tuple(extra),
        allow_code=False,
        output=output,
    )
    return import_onnx(context)


def outputs_of(model: ModelDirectory | onnx.ModelProto, x: Array) -> Array:
    """The first output of the unfused graph for the input x."""
    from lepton_plugin_onnx.native import session

    if isinstance(model, onnx.ModelProto):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        running = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    else:
        running = session(model.path / "model.onnx")
    result: Array = running.run(None, {running.get_inputs()[0].name: x})[0]
    return result


def constants_of(model: ModelDirectory) -> dict[str, Array]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in read_model(model.path).graph.initializer}


def operators(model: ModelDirectory) -> list[str]:
    return [node.op_type for node in read_model(model.path).graph.node]
