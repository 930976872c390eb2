"""The chips that onnxruntime runs on, what each can do, and what the passes of `onnx` do for it.

Capabilities: x86 int8 kernels from MLAS (asymmetric uint8 by int8, per channel; without VNNI their 16-bit sums
saturate,
https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html#when-and-why-do-i-need-to-try-u8u8);
TensorRT: explicit quantization is symmetric int8, biases in floating point
(https://docs.nvidia.com/deeplearning/tensorrt/latest/inference-library/work-quantized-types.html).

Options are those of the execution provider, and `provider` names it. Nothing that a session makes is kept on disk: an
engine is of one driver and one card, so it is built where the artifact is deployed.
"""

from __future__ import annotations

from lepton_rules.plugin import Target

RUNTIME = "onnxruntime"
_FORMATS = ("onnx",)
_CPU_CAPABILITIES = (
    "dynamic_shapes",
    "int4_weights",
    "int8",
    "int8_activations",
    "int8_asymmetric",
    "int8_dynamic",
    "int8_per_channel",
    "int8_symmetric",
    "int8_weights",
    "onnxruntime_operators",
    "uint8_activations",
)
# The passes that quantize weights and activations with ranges from calibration: a chip wants the same of each.
_STATIC = ("onnx.quantize", "onnx.quantize_by_sensitivity", "onnx.quantize_to_accuracy")
# onnxruntime dequantizes whole weights at each inference, but in its own operators; level 4 is int8 products.
_CPU_WEIGHTS = {"onnx.quantize_weights": {"form": "matmul_nbits", "accuracy_level": 4}}
_GPU_QUANTIZATION = {
    "activation_type": "int8",
    "activation_symmetric": True,
    "dedicated_qdq": True,
}
_GPU_DEFAULTS = {
    **dict.fromkeys(_STATIC, _GPU_QUANTIZATION),
    "torch.quantize_aware_training": {"activation_symmetric": True},
}

CPU = Target(
    name="cpu",
    runtime=RUNTIME,
    accepts=_FORMATS,
    capabilities=_CPU_CAPABILITIES,
    pass_defaults={
        **_CPU_WEIGHTS,
        **{name: {"reduce_range": True} for name in (*_STATIC, "onnx.quantize_dynamic")},
        "torch.quantize_aware_training": {"weight_bits": 7},
    },
    options={"provider": "CPUExecutionProvider"},
    doc="An x86-64 or arm64 CPU of any kind.",
)

CPU_VNNI = Target(
    name="cpu_vnni",
    runtime=RUNTIME,
    accepts=_FORMATS,
    capabilities=(*_CPU_CAPABILITIES, "int8_full_range", "vnni"),
    pass_defaults=_CPU_WEIGHTS,
    options={"provider": "CPUExecutionProvider"},
    available="cpu_vnni",
    doc="An x86-64 CPU with VNNI, whose 8-bit products do not saturate.",
)

CUDA = Target(
    name="cuda",
    runtime=RUNTIME,
    accepts=_FORMATS,
    capabilities=(
        "bf16",
        "dynamic_shapes",
        "fp16",
        "int4_weights",
        "int8",
        "int8_activations",
        "int8_full_range",
        "int8_per_channel",
        "int8_symmetric",
        "int8_weights",
        "onnxruntime_operators",
        "tf32",
    ),
    pass_defaults=_GPU_DEFAULTS | {"onnx.quantize_weights": {"form": "matmul_nbits"}},
    options={
        "provider": "CUDAExecutionProvider",
        "cudnn_conv_algo_search": "HEURISTIC",  # EXHAUSTIVE times kernels, and may choose another one each time
        "cudnn_conv_use_max_workspace": "1",
        "do_copy_in_default_stream": "1",
        "use_tf32": "0",
    },
    available="cuda",
    doc="An NVIDIA GPU through CUDA and cuDNN.",
)

TENSORRT = Target(
    name="tensorrt",
    runtime=RUNTIME,
    accepts=_FORMATS,
    capabilities=(
        "dynamic_shapes",
        "fp16",
        "int8",
        "int8_activations",
        "int8_full_range",
        "int8_per_channel",
        "int8_symmetric",
        "int8_weights",
        "tf32",
    ),
    pass_defaults=_GPU_DEFAULTS,
    options={
        "provider": "TensorrtExecutionProvider",
        "trt_engine_cache_enable": "0",
        "trt_fp16_enable": "1",
        "trt_int8_enable": "1",
        "trt_int8_use_native_calibration_table": "0",  # ranges are in the graph
        "trt_timing_cache_enable": "0",
    },
    available="tensorrt",
    doc="An NVIDIA GPU through TensorRT, with CUDA for what TensorRT does not take.",
)

TARGETS = (CPU, CPU_VNNI, CUDA, TENSORRT)
