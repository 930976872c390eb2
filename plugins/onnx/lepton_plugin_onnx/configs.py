"""What each component of the plugin can be told. Light: read wherever the plugin is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from lepton_rules.plugin import option


@dataclass(frozen=True, kw_only=True)
class ImportConfig:
    """Imports an .onnx file, with its weights inside or in files that the target lists as weights."""

    VERSION: ClassVar[int] = 1
    accept_non_finite: bool = option(False, doc="Accept weights that are NaN or infinite.")


@dataclass(frozen=True, kw_only=True)
class CheckConfig:
    """Checks that the model keeps the ONNX rules and loads in onnxruntime; leaves it as it is."""

    VERSION: ClassVar[int] = 1


@dataclass(frozen=True, kw_only=True)
class InferShapesConfig:
    """Writes the inferred type and shape of every tensor into the model."""

    VERSION: ClassVar[int] = 1


@dataclass(frozen=True, kw_only=True)
class OptimizeConfig:
    """Folds constants and fuses nodes, as far as the result is the same on every machine (onnxruntime's BASIC
    level)."""

    VERSION: ClassVar[int] = 1
    max_folded_bytes: int = option(
        16 << 20, doc="Bytes of the largest constant that folding may make.", minimum=1, maximum=1 << 30
    )


@dataclass(frozen=True, kw_only=True)
class QuantizeConfig:
    """Static 8-bit quantization: weights and activations become int8 with the ranges of calibration samples (QDQ)."""

    VERSION: ClassVar[int] = 1
    calibrator: Literal["MinMax", "Entropy", "Percentile"] = option(
        "MinMax",
        doc="How an activation's range is found: all values, least information lost, or all but the outliers.",
    )
    percentile: float = option(
        99.99, doc="Share of the values, in percent, that Percentile keeps in range.", minimum=50, maximum=100
    )
    max_samples: int = option(512, doc="At most so many calibration samples, the first ones.", minimum=1)
    per_channel: bool = option(
        True, doc="One weight scale for each output channel.", requires={"true": "int8_per_channel"}
    )
    activation_type: Literal["uint8", "int8"] = option(
        "uint8",
        doc="Type of activations.",
        requires={"uint8": "uint8_activations", "int8": "int8_activations"},
    )
    activation_symmetric: bool = option(
        False,
        doc="Zero point of activations in the middle of their range.",
        requires={"true": "int8_symmetric", "false": "int8_asymmetric"},
    )
    weight_type: Literal["int8"] = option("int8", doc="Type of weights, always symmetric.")
    reduce_range: bool = option(
        False,
        doc="Weights of 7 bits, for chips whose 8-bit products saturate.",
        requires={"false": "int8_full_range"},
    )
    quantize_bias: bool = option(
        False,
        doc="Store biases as int32, with a scale for each channel; runtimes round those that are left alone.",
    )
    dedicated_qdq: bool = option(False, doc="A quantize-dequantize pair of its own for each reader of a tensor.")
    op_types: tuple[str, ...] = option((), doc="Quantize only these operators; empty for all that can be.")
    exclude: tuple[str, ...] = option((), doc="Names of nodes that stay in floating point.")


@dataclass(frozen=True, kw_only=True)
class QuantizeDynamicConfig:
    """Dynamic 8-bit quantization: int8 weights, activations quantized as they come; no calibration data."""

    VERSION: ClassVar[int] = 1
    per_channel: bool = option(
        True, doc="One weight scale for each output channel.", requires={"true": "int8_per_channel"}
    )
    reduce_range: bool = option(
        False,
        doc="Weights of 7 bits, for chips whose 8-bit products saturate.",
        requires={"false": "int8_full_range"},
    )
    op_types: tuple[str, ...] = option(
        ("Attention", "Gemm", "MatMul"),
        doc="Operators to quantize. Gather and EmbedLayerNormalization shrink embeddings.",
    )
    exclude: tuple[str, ...] = option((), doc="Names of nodes that stay in floating point.")


@dataclass(frozen=True, kw_only=True)
class ToFp16Config:
    """Stores and computes in half precision (IEEE 754 binary16)."""

    VERSION: ClassVar[int] = 1
    keep_io_types: bool = option(True, doc="Inputs and outputs of the model stay float32.")
    exclude: tuple[str, ...] = option((), doc="Names of nodes that stay in float32.")


@dataclass(frozen=True, kw_only=True)
class SmoothQuantConfig:
    """Moves great channels of activations into the weights before quantization, for transformers (SmoothQuant)."""

    VERSION: ClassVar[int] = 1
    alpha: float = option(0.5, doc="How much goes into the weights: 0 nothing, 1 all of it.", minimum=0, maximum=1)
    layers: Literal["after_norm", "all"] = option(
        "after_norm",
        doc="Linear layers that read a layer normalisation, where channels are great in every sample, as the paper has "
        "it, or all.",
    )
    max_samples: int = option(512, doc="At most so many calibration samples, the first ones.", minimum=1)
    insert_multiplications: bool = option(
        True, doc="Multiply where nothing before a layer can take the factors; else that layer is left alone."
    )
    powers_of_two: bool = option(False, doc="Round the factors to powers of two: products stay the same to the bit.")
    exclude: tuple[str, ...] = option((), doc="Names of nodes that are left alone.")


@dataclass(frozen=True, kw_only=True)
class QuantizeWeightsConfig:
    """Weight-only quantization: weights of 8 or 4 bits in blocks, activations in floating point; no calibration
    data."""

    VERSION: ClassVar[int] = 1
    bits: Literal[8, 4] = option(8, doc="Bits of a weight.", requires={"8": "int8_weights", "4": "int4_weights"})
    block_size: Literal[16, 32, 64, 128, 256] = option(
        32, doc="Weights that share one scale, along the axis that is summed over."
    )
    symmetric: bool = option(True, doc="Zero in the middle of each block's range; else a zero point for each block.")
    form: Literal["qdq", "matmul_nbits"] = option(
        "qdq",
        doc="DequantizeLinear before what reads the weights, or onnxruntime's MatMulNBits for matrix products and "
        "GatherBlockQuantized for look-ups, which are faster there.",
        requires={"matmul_nbits": "onnxruntime_operators"},
    )
    accuracy_level: int = option(
        0, doc="Of MatMulNBits: 0 as the runtime likes, 1 float32 to 4 int8 products.", minimum=0, maximum=4
    )
    op_types: tuple[str, ...] = option(
        ("Gemm", "MatMul"), doc="Operators whose weights are quantized: also Attention, Conv, ConvTranspose, Gather."
    )
    exclude: tuple[str, ...] = option((), doc="Names of nodes that stay in floating point.")


@dataclass(frozen=True, kw_only=True)
class ToBf16Config:
    """Stores and computes in bfloat16; inputs and outputs stay float32."""

    VERSION: ClassVar[int] = 1
    exclude: tuple[str, ...] = option((), doc="Names of nodes that stay in float32.")


@dataclass(frozen=True, kw_only=True)
class QuantizeBySensitivityConfig(QuantizeConfig):
    """Mixed precision: static 8-bit quantization, the layers that suffer most from it in floating point."""

    VERSION: ClassVar[int] = 1
    metric: Literal["sqnr", "kl"] = option(
        "sqnr", doc="What ranks layers: the outputs' signal-to-noise ratio in dB, or the divergence of their softmax."
    )
    threshold: float | None = option(
        None,
        doc="Least SQNR, or greatest KL, at which a layer alone is good enough; without it, only the share counts.",
    )
    max_float_share: float = option(
        0.1, doc="Share of the weights that may stay in floating point.", minimum=0, maximum=1
    )
    ranking_samples: int = option(32, doc="At most so many calibration samples rank the layers.", minimum=1)


@dataclass(frozen=True, kw_only=True)
class QuantizeToAccuracyConfig(QuantizeConfig):
    """Static 8-bit quantization that returns the worst layers to floating point until the accuracy holds."""

    VERSION: ClassVar[int] = 1
    max_accuracy_drop: float = option(
        0.01, doc="How much of the accuracy on the validation samples may be lost, such as 0.01.", minimum=0, maximum=1
    )
    max_tries: int = option(8, doc="At most so many models are quantized and judged.", minimum=1, maximum=1000)
    output: str = option("", doc="The output that classifies; empty for the first.")
    metric: Literal["sqnr", "kl"] = option("sqnr", doc="What ranks layers, as in quantize_by_sensitivity.")
    ranking_samples: int = option(32, doc="At most so many calibration samples rank the layers.", minimum=1)
    max_validation_samples: int = option(2048, doc="At most so many validation samples, the first ones.", minimum=1)
