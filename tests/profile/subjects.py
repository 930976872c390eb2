"""Small artifacts on disk, as the rules give them to the programs, and the programs run as a user's shell does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import lepton_rules
from lepton_rules import manifest
from lepton_rules.plugin import HardwareFacts, ModelFacts, NoConfig, TensorSpec
from lepton_rules.plugin.onnx_canonical import save
from lepton_rules.worker import isa

PROGRAMS = Path(lepton_rules.__file__).parent / "profile"
PLUGIN = Path(sys.modules["lepton_rules"].__file__ or "").parents[1] / "plugins" / "onnxruntime"
CAPABILITIES = frozenset({"int8", "int8_activations", "int4_weights", "onnxruntime_operators"})
HARDWARE = HardwareFacts(
    target="cpu", runtime="onnxruntime", capabilities=CAPABILITIES, options={"provider": "CPUExecutionProvider"}
)


def weights(*shape: int, scale: float = 1.0) -> np.ndarray[Any, Any]:
    """Normal values, the same each time."""
    return (np.random.default_rng(sum(shape)).standard_normal(shape) * scale).astype(np.float32)


def convnet(poor: float = 1.0) -> onnx.ModelProto:
    """Two convolutions, the second after a Relu, and a linear head: x [batch, 3, 16, 16] to y [batch, 5].

    One weight of the head is `poor` times greater than it was, which ruins it in 8 bits.
    """
    head = weights(5, 8, scale=0.5)
    head[:, 0] *= poor
    constants = {
        "w1": weights(8, 3, 3, 3, scale=0.3),
        "w2": weights(8, 8, 3, 3, scale=0.2),
        "w3": head,
        "b3": weights(5, scale=0.1),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["c1"], "conv1", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c1"], ["r1"], "relu1"),
        helper.make_node("Conv", ["r1", "w2"], ["c2"], "conv2", pads=[1, 1, 1, 1]),
        helper.make_node("Add", ["c2", "r1"], ["s"], "sum"),
        helper.make_node("Relu", ["s"], ["r2"], "relu2"),
        helper.make_node("GlobalAveragePool", ["r2"], ["p"], "pool"),
        helper.make_node("Flatten", ["p"], ["f"], "flatten"),
        helper.make_node("Gemm", ["f", "w3", "b3"], ["y"], "head", transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3, 16, 16])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 5])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def quantized(model: onnx.ModelProto, folder: Path) -> onnx.ModelProto:
    """The model in int8, by onnxruntime's own tool."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Reader(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
        def __init__(self) -> None:
            self.left = [{"x": samples(4)}]

        def get_next(self) -> Any:
            return self.left.pop() if self.left else None

    source, result = folder / "float.onnx", folder / "int8.onnx"
    onnx.save(model, source)
    quantize_static(
        str(source),
        str(result),
        Reader(),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
    )
    return onnx.load(result)


def samples(count: int) -> np.ndarray[Any, Any]:
    """x for the network."""
    return np.random.default_rng(3).random((count, 3, 16, 16), dtype=np.float32)


def directory_of(model: onnx.ModelProto, folder: Path, steps: tuple[str, ...] = ("onnx.onnx",)) -> Path:
    """Writes `model/` and `manifest.json` below `folder`, with a lineage of these passes."""
    path = folder / "model"
    path.mkdir(parents=True)
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    save(copy, path)
    facts = ModelFacts(
        inputs=(TensorSpec("x", "float32", ("batch", 3, 16, 16)),),
        outputs=(TensorSpec("y", "float32", ("batch", 5)),),
        parameters=1000,
        macs=2000,
    )
    parent = None
    content: dict[str, Any] = {}
    for name in steps:
        step = manifest.step(component=name, config=NoConfig(), plugin="onnx", version="1.0.0", libraries={"onnx": "1"})
        content = manifest.build(
            format="onnx", facts=facts, directory=path, step=step, hardware=HARDWARE, parent=parent
        )
        parent = content
    manifest.write(content, folder / "manifest.json")
    return folder


def flags_of(folder: Path, steps: Mapping[int, Path], artifact: Path) -> list[str]:
    """What the rule tells a program about an artifact; the dataset and the identity are written beside it."""
    dataset, identity = folder / "evaluation.npz", folder / "identity.json"
    np.savez(dataset, x=samples(24), labels=np.zeros(24, np.int64))
    identity.write_text(json.dumps({"cpu": isa.cpu_name(), "isa": isa.detect(), "chips": {}}))
    facts = {
        "target": HARDWARE.target,
        "runtime": HARDWARE.runtime,
        "capabilities": sorted(HARDWARE.capabilities),
        "options": dict(HARDWARE.options),
        "threads": 1,
    }
    flags = [
        "--label=//models:small.profile",
        "--artifact_label=//models:small",
        "--plugin=onnxruntime",
        "--plugin_entry=lepton_plugin_onnxruntime",
        "--component=onnxruntime",
        "--preload=numpy,onnxruntime",
        f"--python_path={PLUGIN}",
        f"--hardware={json.dumps(facts)}",
        f"--model={artifact / 'model'}",
        f"--model_manifest={artifact / 'manifest.json'}",
        f"--dataset={dataset}",
        f"--identity={identity}",
    ]
    for number, step in steps.items():
        flags += [f"--step_manifest={step / 'manifest.json'}", f"--step_model={number}={step / 'model'}"]
    return flags


def start(name: str, flags: list[str], cwd: Path) -> subprocess.Popen[str]:
    """Starts `lepton_rules/profile/<name>.py` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-s", "-P", str(PROGRAMS / f"{name}.py"), *flags],
        cwd=cwd,
        env={
            "PATH": os.environ.get("PATH", ""),
            "BUILD_WORKING_DIRECTORY": str(cwd),
            "TMPDIR": str(cwd),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
