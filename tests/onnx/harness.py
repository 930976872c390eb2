"""Runs the plugin's importer and passes on models as an action runs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from lepton_plugin_onnx import configs
from lepton_plugin_onnx.facts import facts_of
from lepton_plugin_onnx.files import read_model
from networks import Array
from onnx import numpy_helper

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
        "parameters": facts.parameters,
        "macs": facts.macs,
        "hardware": hardware and {"target": hardware.target, "options": dict(hardware.options)},
    }
    return ModelDirectory(path=path, manifest=manifest)


def apply(
    name: str,
    model: ModelDirectory | onnx.ModelProto,
    output: Path,
    config: Mapping[str, Any] | None = None,
    calibration: Mapping[str, Array] | None = None,
    slots: Mapping[str, Mapping[str, Array]] | None = None,
) -> tuple[ModelDirectory, ModelFacts]:
    """Runs a pass into `output`."""
    if isinstance(model, onnx.ModelProto):
        model = directory_of(model, output.with_name(output.name + "_source"))
    output.mkdir(parents=True)
    bound: dict[str, DatasetFile | ModelDirectory] = {}
    for slot, arrays in {**(slots or {}), **({} if calibration is None else {"calibration": calibration})}.items():
        path = output.with_name(f"{output.name}_{slot}.npz")
        np.savez(path, **arrays)  # type: ignore[arg-type]  # numpy's stubs take allow_pickle for one of them
        bound[slot] = DatasetFile(path)
    plugin = load("onnx", "lepton_plugin_onnx")
    descriptor = plugin.find("passes", name)
    assert isinstance(descriptor, Pass)
    implementation = plugin.resolve(descriptor)
    context = PassContext(
        label="//test:model",
        config=parse_config(descriptor.config, config or {}, what=f"onnx.{name}"),
        model=model,
        slots=bound,
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


def outputs_of(model: ModelDirectory | onnx.ModelProto, x: Array | Mapping[str, Array]) -> Array:
    """The first output of the unfused graph for the input x, or for all inputs by name."""
    from lepton_plugin_onnx.native import session

    if isinstance(model, onnx.ModelProto):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        running = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    else:
        running = session(model.path / "model.onnx")
    names = {value.name for value in running.get_inputs()}
    feed = {name: x[name] for name in names} if isinstance(x, Mapping) else {next(iter(names)): x}
    result: Array = running.run(None, feed)[0]
    return result


def constants_of(model: ModelDirectory) -> dict[str, Array]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in read_model(model.path).graph.initializer}


def operators(model: ModelDirectory) -> list[str]:
    return [node.op_type for node in read_model(model.path).graph.node]
