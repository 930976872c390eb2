"""Rounds weights and activations in training as the 8-bit model will round them.

Gradients pass straight through the rounding, and stop where a value was clipped (Bengio et al., 2013,
https://arxiv.org/abs/1308.3432). The scheme is the one of onnx.quantize and of Jacob et al., "Quantization and Training
of Neural Networks for Efficient Integer-Arithmetic-Only Inference", 2017, https://arxiv.org/abs/1712.05877: symmetric
weights whose greatest magnitude is the last level, and activations between the least and greatest values seen.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

_LEAST = 1e-12
_SHARE = 0.1  # of a new batch in the running range of activations, as Jacob et al. smooth theirs


def fake_weight(weight: Tensor, bits: int, axis: int | None, factor: Tensor | None = None) -> Tensor:
    """The weight as symmetric integers of so many bits would hold it.

    Args:
        weight: any shape.
        bits: of an integer; the levels are from -(2^(bits-1) - 1) up to its negative.
        axis: of the output channels, where each has its own scale; None for one scale.
        factor: [output channels], positive: what each channel will have been multiplied by when it is rounded. With a
            scale of its own, a channel is rounded the same whatever its factor.
    """
    top = 2 ** (bits - 1) - 1
    if axis is not None:
        others = [a for a in range(weight.dim()) if a != axis]
        scale = (weight.detach().abs().amax(others) / top).clamp_min(_LEAST)
        zero = torch.zeros(len(scale), dtype=torch.int32)
        return torch.fake_quantize_per_channel_affine(weight, scale, zero, axis, -top, top)
    if factor is not None:
        factor = factor.detach().clamp_min(_LEAST).reshape(-1, *[1] * (weight.dim() - 1))
        weight = weight * factor
    scale = (weight.detach().abs().amax() / top).clamp_min(_LEAST)
    rounded = torch.fake_quantize_per_tensor_affine(weight, float(scale), 0, -top, top)
    return rounded if factor is None else rounded / factor


def fake_activation(values: Tensor, low: float, high: float, bits: int, symmetric: bool) -> Tensor:
    """The values as integers of so many bits would hold them.

    Args:
        values: any shape.
        low: the least value of the range; 0 is put into it, as zero must have a level of its own.
        high: the greatest.
        bits: of an integer.
        symmetric: whether zero is the middle level.
    """
    low, high = min(low, 0.0), max(high, 0.0)
    if symmetric:
        top = 2 ** (bits - 1) - 1
        scale = max(-low, high, _LEAST) / top
        return torch.fake_quantize_per_tensor_affine(values, scale, 0, -top, top)
    levels = 2**bits - 1
    scale = max(high - low, _LEAST) / levels
    zero = min(max(round(-low / scale), 0), levels)
    return torch.fake_quantize_per_tensor_affine(values, scale, zero, 0, levels)


class WeightRounding(nn.Module):
    """A parametrization of a layer's weight.

    Args:
        bits: of an integer.
        axis: as in `fake_weight`.
        norm: the batch normalization that will have been folded into the layer, or None.
    """

    def __init__(self, bits: int, axis: int | None, norm: nn.Module | None) -> None:
        super().__init__()
        self._bits, self._axis = bits, axis
        self._norm = [norm]  # in a list, so that it does not become a part of this module

    def forward(self, weight: Tensor) -> Tensor:
        """The rounded weight."""
        norm: Any = self._norm[0]
        factor = None
        if norm is not None and self._axis is None:
            gain = norm.weight if norm.weight is not None else torch.ones_like(norm.running_var)
            factor = gain.abs() / torch.sqrt(norm.running_var + norm.eps)
        return fake_weight(weight, self._bits, self._axis, factor)


class ActivationRounding:
    """A hook before a layer: rounds its first input within the range that it has been seen in.

    Args:
        bits: of an integer.
        symmetric: whether zero is the middle level.
    """

    def __init__(self, bits: int, symmetric: bool) -> None:
        self._bits, self._symmetric = bits, symmetric
        self.range: tuple[float, float] | None = None

    def __call__(self, layer: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The inputs, the first of which is rounded; in training the range moves with it."""
        values = inputs[0]
        if layer.training or self.range is None:
            low, high = (float(value) for value in values.detach().aminmax())
            if self.range is not None:
                low = self.range[0] + _SHARE * (low - self.range[0])
                high = self.range[1] + _SHARE * (high - self.range[1])
            self.range = (low, high)
        return (fake_activation(values, *self.range, self._bits, self._symmetric), *inputs[1:])
