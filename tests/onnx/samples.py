"""What the contract kit tries both plugins on."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
from networks import CONVNET_MACS, CONVNET_PARAMETERS, convnet, samples

from lepton_rules.plugin.contract import SampleImport, SampleModel, Samples
from lepton_rules.plugin.facts import ModelFacts, TensorSpec
from lepton_rules.plugin.onnx_canonical import save


def _model(directory: Path) -> SampleModel:
    model = directory / "model"
    model.mkdir()
    save(convnet(), model)
    np.savez(directory / "samples.npz", x=samples(24), labels=np.arange(24) % 5)
    facts = ModelFacts(
        inputs=(TensorSpec("x", "float32", ("batch", 3, 8, 8)),),
        outputs=(TensorSpec("y", "float32", ("batch", 5)),),
        parameters=CONVNET_PARAMETERS,
        macs=CONVNET_MACS,
    )
    return SampleModel(path=model, facts=facts, dataset=directory / "samples.npz")


def for_onnx(directory: Path) -> Samples:
    """A convolutional network, its file as a stranger would give it, and calibration samples."""
    stranger = directory / "stranger.onnx"
    onnx.save(convnet(), stranger, save_as_external_data=True, location="stranger.bin", size_threshold=0)
    return Samples(
        models={"onnx": _model(directory)},
        imports={"onnx": SampleImport(sources=(stranger,), weights=(directory / "stranger.bin",))},
        configs={
            "passes.quantize": [
                {"calibrator": "Entropy"},
                {"calibrator": "Percentile", "percentile": 99.0, "max_samples": 10},
                {"activation_type": "int8", "activation_symmetric": True, "quantize_bias": False},
                {"per_channel": False, "reduce_range": True, "exclude": ["head"]},
            ],
            "passes.to_fp16": [{"keep_io_types": False}],
        },
        refused={"passes.quantize": [{"exclude": ["hed"]}, {"op_types": ["Convolution"]}]},
        signature="samples:signature",
    )


def for_onnxruntime(directory: Path) -> Samples:
    """The same network, to run."""
    return Samples(
        models={"onnx": _model(directory)},
        configs={"runtimes.onnxruntime": [{"graph_optimization": "disable_all"}]},
    )


def signature(format: str, path: Path) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """The signature as onnxruntime sees it."""
    assert format == "onnx"
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path / "model.onnx"), providers=["CPUExecutionProvider"])
    dtypes = {"tensor(float)": "float32", "tensor(float16)": "float16"}

    def specs(values: list[onnxruntime.NodeArg]) -> tuple[TensorSpec, ...]:
        return tuple(TensorSpec(value.name, dtypes[value.type], tuple(value.shape)) for value in values)

    return specs(session.get_inputs()), specs(session.get_outputs())
