"""What each pass over the graph alone can be told. Light: read wherever the plugin is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from lepton_rules.plugin import option


@dataclass(frozen=True, kw_only=True)
class FuseTransformerConfig:
    """Fuses attention, layer normalisation and Gelu of BERT-like encoders into onnxruntime's own operators."""

    VERSION: ClassVar[int] = 1
    num_heads: int = option(0, doc="Heads of attention; 0 reads them from the graph.", minimum=0)
    hidden_size: int = option(0, doc="Width of the hidden state; 0 reads it from the graph.", minimum=0)
    attention: bool = option(True, doc="Fuse attention, its three projections among it.")
    gelu: bool = option(True, doc="Fuse Gelu, with the bias before it.")
    layer_norm: bool = option(True, doc="Fuse layer normalisation, with the residual sum and the bias before it.")
    embeddings: bool = option(
        False, doc="Fuse the embeddings with their normalisation; then onnx.quantize_dynamic cannot shrink them alone."
    )
    attention_mask: Literal["any", "right_padded"] = option(
        "any",
        doc="What masks may look like: zeros anywhere, or only at the end, which is faster on some chips.",
    )

    def __post_init__(self) -> None:
        if (self.num_heads == 0) != (self.hidden_size == 0):
            raise ValueError("num_heads and hidden_size are given together, or both read from the graph")
        if self.num_heads and self.hidden_size % self.num_heads:
            raise ValueError(f"hidden_size {self.hidden_size} is no multiple of num_heads {self.num_heads}")


@dataclass(frozen=True, kw_only=True)
class ResidualsAsSumConfig:
    """Keeps onnxruntime from fusing residual sums into layer normalisation, which makes an int8 encoder faster."""

    VERSION: ClassVar[int] = 1


@dataclass(frozen=True, kw_only=True)
class FixShapesConfig:
    """Gives symbolic dimensions of the inputs their lengths, for chips that take no dynamic shapes."""

    VERSION: ClassVar[int] = 1
    dimensions: dict[str, str] = option(
        doc='Name of a dimension to its length, such as {"batch": "1", "sequence": "32"}; a nameless one is called '
        "after its input and axis, such as x_0."
    )

    def __post_init__(self) -> None:
        if not self.dimensions:
            raise ValueError("dimensions is empty")
        for name, length in self.dimensions.items():
            if not (length.isascii() and length.isdigit() and 0 < int(length) < 1 << 31):
                raise ValueError(
                    f"dimensions gives {name!r} the length {length!r}, accepted is a whole number from 1 on"
                )


@dataclass(frozen=True, kw_only=True)
class FoldBatchNormConfig:
    """Folds batch normalisation into the convolution, the transposed convolution or the linear layer before it."""

    VERSION: ClassVar[int] = 1
    exclude: tuple[str, ...] = option((), doc="Names of normalisations that stay as they are.")


@dataclass(frozen=True, kw_only=True)
class RemoveDeadBranchesConfig:
    """Removes what no output needs: branches of conditions that are constant, dropout, identities, unread nodes."""

    VERSION: ClassVar[int] = 1
    outputs: tuple[str, ...] = option(
        (), doc="Outputs to keep, with what they need; empty for all. An auxiliary head of training goes this way."
    )


@dataclass(frozen=True, kw_only=True)
class SetInputLayoutConfig:
    """Changes the layout of image inputs, between channels first (NCHW) and channels last (NHWC)."""

    VERSION: ClassVar[int] = 1
    layout: Literal["NCHW", "NHWC"] = option(doc="The layout that the inputs get; they have the other one now.")
    inputs: tuple[str, ...] = option((), doc="Names of the inputs; empty for all of rank 4.")
