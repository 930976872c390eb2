"""What a BUILD file says to the passes. Light: read wherever the plugin is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from lepton_plugin_torch.cost_table import CostTable
from lepton_rules.plugin import option


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How a pass trains."""

    VERSION: ClassVar[int] = 1
    epochs: int = option(0, doc="Passes over the samples of the slot `train`.", minimum=0, maximum=10_000)
    batch_size: int = option(50, doc="Samples of a step.", minimum=1, maximum=1 << 20)
    learning_rate: float = option(0.02, doc="The greatest learning rate of the cycle.", minimum=1e-8, maximum=100)
    optimizer: Literal["sgd", "adamw"] = option("sgd", doc="SGD with Nesterov's momentum of 0.9, or AdamW.")
    weight_decay: float = option(5e-4, doc="Decay of matrices and kernels.", minimum=0, maximum=1)


@dataclass(frozen=True, kw_only=True)
class PruneChannelsConfig(TrainingConfig):
    """Removes whole channels, and all that depends on them across residual connections, until a goal is met."""

    VERSION: ClassVar[int] = 1
    importance: Literal["l1", "l2", "batch_norm_scale", "taylor"] = option(
        "l2",
        doc="What a channel is kept for: the norm of its weights, the scale of its batch normalization, or what the"
        " loss on the slot `train` would change without it.",
    )
    ratio: float | None = option(
        None, doc="Share of the channels to remove; 0.5 where no goal is given either.", minimum=0, maximum=0.98
    )
    macs_ratio: float | None = option(
        None, doc="Goal: at most this share of the multiply-accumulates is left.", minimum=0.0001, maximum=1
    )
    max_latency_us: float | None = option(
        None, doc="Goal: at most so many microseconds a sample by the chip's `cost_table`.", minimum=0.001, maximum=1e9
    )
    cost_table: str = option(
        "",
        doc="What layers cost on the chip, as JSON, such as from a checked-in .bzl file through the hardware's"
        " `pass_defaults`; docs/compression.md tells the form.",
    )
    scope: Literal["layer", "model"] = option(
        "layer", doc="Whether each layer loses the same share of its channels, or the least important go anywhere."
    )
    round_to: int = option(
        8, doc="Numbers of channels are multiples of this where they can be.", minimum=1, maximum=512
    )
    exclude: tuple[str, ...] = option((), doc="Names of layers whose output channels all stay.")

    def __post_init__(self) -> None:
        given = [name for name in ("ratio", "macs_ratio", "max_latency_us") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are given, and accepted is one")
        if self.max_latency_us is not None and not self.cost_table:
            raise ValueError("max_latency_us is given without a cost_table")
        if self.cost_table:
            CostTable.parse(self.cost_table)


@dataclass(frozen=True, kw_only=True)
class DistillConfig(TrainingConfig):
    """Teaches the model to answer as the model in the slot `teacher` does."""

    VERSION: ClassVar[int] = 1
    epochs: int = option(10, doc="Passes over the samples of the slot `train`.", minimum=1, maximum=10_000)
    response: Literal["kl", "mse"] = option("kl", doc="How answers are compared: softened classes, or logits.")
    response_weight: float = option(0.9, doc="Weight of the answers' term.", minimum=0, maximum=1e6)
    temperature: float = option(4.0, doc="What logits are divided by before `kl`.", minimum=0.01, maximum=1000)
    label_loss: Literal["cross_entropy", "focal"] = option("cross_entropy", doc="Loss on the labels.")
    label_weight: float = option(0.1, doc="Weight of the labels' term.", minimum=0, maximum=1e6)
    focal_alpha: float = option(1.0, doc="Factor of the focal loss.", minimum=0, maximum=1e3)
    focal_gamma: float = option(2.0, doc="How much the focal loss leaves out what is easy.", minimum=0, maximum=100)
    features: tuple[str, ...] = option(
        (), doc="Layers to compare: `student=teacher`, or one name where both have it, such as `blocks.3`."
    )
    hint_weight: float = option(0.0, doc="Weight of the features' squared error (FitNets).", minimum=0, maximum=1e6)
    attention_weight: float = option(0.0, doc="Weight of the attention maps' difference.", minimum=0, maximum=1e6)
    distance_weight: float = option(
        0.0,
        doc="Weight of the distances between samples, of the features or else of the answers.",
        minimum=0,
        maximum=1e6,
    )
    angle_weight: float = option(
        0.0,
        doc="Weight of the angles between three samples, of the features or else of the answers.",
        minimum=0,
        maximum=1e6,
    )
    mixup: float = option(
        0.0, doc="How much inputs are mixed in pairs: 0 not at all, 1 up to half and half.", minimum=0, maximum=1
    )

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """`features` as (student's layer, teacher's layer)."""
        return tuple(
            (name.partition("=")[0], name.partition("=")[2] or name.partition("=")[0]) for name in self.features
        )

    def __post_init__(self) -> None:
        if (self.hint_weight or self.attention_weight) and not self.features:
            raise ValueError("hint_weight and attention_weight need features, and there are none")
        weights = ("response", "label", "hint", "attention", "distance", "angle")
        if not any(getattr(self, f"{name}_weight") for name in weights):
            raise ValueError("every weight is 0: response_weight, label_weight, …")


@dataclass(frozen=True, kw_only=True)
class PruneMagnitudeConfig(TrainingConfig):
    """Sets the weights of least magnitude to zero. Size only: shapes stay, and dense kernels take the same time."""

    VERSION: ClassVar[int] = 1
    sparsity: float = option(0.5, doc="Share of the weights that become zero.", minimum=0, maximum=0.999)
    scope: Literal["layer", "model"] = option(
        "layer", doc="Whether each layer loses that share, or the least weights of the whole model go."
    )
    exclude: tuple[str, ...] = option((), doc="Names of layers that stay dense.")


@dataclass(frozen=True, kw_only=True)
class PruneNMConfig(TrainingConfig):
    """Leaves at most N non-zero weights in each M along the reduced axis. Size only, but on chips with `sparse_2_4`."""

    VERSION: ClassVar[int] = 1
    n: int = option(2, doc="Non-zero weights that stay in a group.", minimum=1, maximum=63)
    m: int = option(4, doc="Weights of a group.", minimum=2, maximum=64)
    exclude: tuple[str, ...] = option((), doc="Names of layers that stay dense.")

    def __post_init__(self) -> None:
        if self.n >= self.m:
            raise ValueError(f"n is {self.n} and m is {self.m}: accepted is n less than m")


@dataclass(frozen=True, kw_only=True)
class QuantizeAwareTrainingConfig(TrainingConfig):
    """Fine-tunes with weights and activations rounded as int8 will round them; `onnx.quantize` then loses less."""

    VERSION: ClassVar[int] = 1
    epochs: int = option(5, doc="Passes over the samples of the slot `train`.", minimum=1, maximum=10_000)
    learning_rate: float = option(0.005, doc="The greatest learning rate of the cycle.", minimum=1e-8, maximum=100)
    weight_bits: int = option(8, doc="Bits of a weight: 7 where the chip wants `reduce_range`.", minimum=2, maximum=8)
    activation_bits: int = option(8, doc="Bits of an activation.", minimum=2, maximum=8)
    activation_symmetric: bool = option(False, doc="Zero is the middle of an activation's range.")
    per_channel: bool = option(True, doc="One weight scale for each output channel.")
    exclude: tuple[str, ...] = option((), doc="Names of layers that stay in floating point.")
