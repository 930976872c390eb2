"""What the contract kit tries both plugins on."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
from encoders import encoder, sentences
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


_FOR_ENCODERS = ("fuse_transformer", "quantize_weights", "residuals_as_sum", "smooth_quant")


def _encoder(directory: Path) -> SampleModel:
    model = directory / "encoder"
    model.mkdir()
    save(encoder(1), model)
    np.savez(directory / "sentences.npz", **sentences(8), labels=np.arange(8) % 3)
    names = ("input_ids", "attention_mask")
    facts = ModelFacts(
        inputs=tuple(TensorSpec(name, "int64", ("batch", "sequence")) for name in names),
        outputs=(TensorSpec("hidden", "float32", ("batch", "sequence", 16)),),
        parameters=0,
        macs=None,
    )
    return SampleModel(path=model, facts=facts, dataset=directory / "sentences.npz")


def for_onnx(directory: Path) -> Samples:
    """A convolutional network, its file as a stranger would give it, calibration samples; an encoder."""
    stranger = directory / "stranger.onnx"
    onnx.save(convnet(), stranger, save_as_external_data=True, location="stranger.bin", size_threshold=0)
    return Samples(
        models={
            "onnx": _model(directory),
            **dict.fromkeys(
                (
                    "passes.fuse_transformer",
                    "passes.quantize_weights",
                    "passes.residuals_as_sum",
                    "passes.smooth_quant",
                ),
                _encoder(directory),
            ),
        },
        imports={"onnx": SampleImport(sources=(stranger,), weights=(directory / "stranger.bin",))},
        configs={
            "passes.quantize": [
                {"calibrator": "Entropy"},
                {"calibrator": "Percentile", "percentile": 99.0, "max_samples": 10},
                {"activation_type": "int8", "activation_symmetric": True, "quantize_bias": True},
                {"per_channel": False, "reduce_range": True, "exclude": ["head"]},
            ],
            "passes.to_fp16": [{"keep_io_types": False}],
            "passes.to_bf16": [{"exclude": ["head"]}],
            "passes.quantize_by_sensitivity": [{"metric": "kl", "threshold": 0.001, "max_float_share": 0.5}],
            "passes.quantize_to_accuracy": [{"max_accuracy_drop": 1.0, "metric": "kl"}],
            "passes.fuse_transformer": [{"embeddings": True, "attention_mask": "right_padded"}],
            "passes.smooth_quant": [{"alpha": 0.8, "layers": "all", "powers_of_two": True}],
            "passes.quantize_weights": [
                {"bits": 4, "symmetric": False, "op_types": ["Gemm", "Gather", "MatMul"], "block_size": 16},
                {"form": "matmul_nbits", "exclude": ["l0.q.product"], "op_types": ["Gather", "MatMul"], "bits": 4},
            ],
            "passes.fix_shapes": [{"dimensions": {"batch": "2"}}],
            "passes.set_input_layout": [{"layout": "NHWC"}],
            "passes.remove_dead_branches": [{"outputs": ["y"]}],
            "passes.fold_batch_norm": [{"exclude": ["norm1"]}],
        },
        refused={
            "passes.quantize_by_sensitivity": [{"exclude": ["hed"]}],
            "passes.quantize_to_accuracy": [{"output": "z"}],
            "passes.to_bf16": [{"exclude": ["heat"]}],
            "passes.quantize": [{"exclude": ["hed"]}, {"op_types": ["Convolution"]}],
            "passes.fuse_transformer": [{"num_heads": 4}],
            "passes.quantize_weights": [{"exclude": ["q"]}, {"form": "matmul_nbits", "op_types": ["Conv"]}],
            "passes.smooth_quant": [{"exclude": ["l9.q.product"]}, {"alpha": 1.5}],
            "passes.fix_shapes": [{"dimensions": {"bach": "2"}}, {"dimensions": {"batch": "-2"}}],
            "passes.set_input_layout": [{"layout": "NHWC", "inputs": ["z"]}],
            "passes.remove_dead_branches": [{"outputs": ["z"]}],
            "passes.fold_batch_norm": [{"exclude": ["norm9"]}],
        },
        signature="samples:signature",
    )


def for_onnxruntime(directory: Path) -> Samples:
    """The same network, to run."""
    return Samples(
        models={"onnx": _model(directory)},
        configs={"runtimes.onnxruntime": [{"graph_optimization": "disable_all"}]},
    )


def signature(format: str, path: Path) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """The signature as onnxruntime sees it, once bfloat16, which its CPU kernels lack, has become float32."""
    assert format == "onnx"
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    model = onnx.load(path / "model.onnx")
    widen(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    dtypes = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(int64)": "int64"}

    def specs(values: list[onnxruntime.NodeArg]) -> tuple[TensorSpec, ...]:
        return tuple(TensorSpec(value.name, dtypes[value.type], tuple(value.shape)) for value in values)

    return specs(session.get_inputs()), specs(session.get_outputs())


def widen(model: onnx.ModelProto) -> None:
    """Makes float32 of bfloat16, but in the signature."""
    bf16 = onnx.TensorProto.BFLOAT16
    for tensor in model.graph.initializer:
        if tensor.data_type == bf16:
            wide = onnx.numpy_helper.to_array(tensor).astype(np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(wide, tensor.name))
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name == "to" and attribute.i == bf16:
                attribute.i = onnx.TensorProto.FLOAT
