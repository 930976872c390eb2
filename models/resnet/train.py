"""Trains the ResNet-18 on the digits: about two minutes on two cores, and the same bytes each time.

Progressive resizing (Howard, DAWNBench, 2018) and one cycle of the learning rate (Smith and Topin, "Super-Convergence",
2017) make it short: the network is convolutional down to its global pooling, so most epochs see images of half the
side, at a quarter of the cost.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from resnet import ResNet18
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from lepton_rules.plugin.training import TrainingContext

BATCH = 50
MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4
LABEL_SMOOTHING = 0.05


def _augmented(images: Tensor, generator: torch.Generator) -> Tensor:
    """Each image turned by at most 12 degrees, scaled by at most 12 %, sheared and moved a little.

    What comes in at the edges is paper, -1.
    """
    count = images.shape[0]

    def uniform(limit: float) -> Tensor:
        return (torch.rand(count, generator=generator) * 2 - 1) * limit

    angle, shear = uniform(math.radians(12)), uniform(0.15)
    width, height = 1 + uniform(0.12), 1 + uniform(0.12)
    matrix = torch.stack(
        [
            torch.stack([torch.cos(angle) * width, shear - torch.sin(angle), uniform(0.15)], dim=1),
            torch.stack([torch.sin(angle), torch.cos(angle) * height, uniform(0.15)], dim=1),
        ],
        dim=1,
    )
    grid = functional.affine_grid(matrix, list(images.shape), align_corners=False)
    return functional.grid_sample(images + 1, grid, align_corners=False) - 1


def _rate(progress: float, peak: float) -> float:
    """One cycle: from peak/25 up to the peak in the first 30 %, then down along a cosine to peak/1000."""
    if progress < 0.3:
        return peak * (1 / 25 + (1 - 1 / 25) * progress / 0.3)
    return peak * (1e-3 + (1 - 1e-3) * (1 + math.cos(math.pi * (progress - 0.3) / 0.7)) / 2)


def train(context: TrainingContext) -> Mapping[str, Tensor]:
    """Gives the weights of a `ResNet18` trained on the split `train`.

    Args:
      context: configuration `half_epochs` at half of the images' side (default 14), then `full_epochs` at the whole
        (10); `rate`, the learning rate's peak (0.05). Dataset `train`: `image`, `labels`.

    Returns:
      the state dictionary: float32 tensors, and an int64 counter for each batch normalization.
    """
    config = dict(context.config)
    half_epochs = int(config.pop("half_epochs", 14))
    full_epochs = int(config.pop("full_epochs", 10))
    peak = float(config.pop("rate", 0.05))
    if config:
        raise ValueError(f"unknown configuration {sorted(config)}; known are half_epochs, full_epochs, rate")
    split = context.datasets["train"]
    images, labels = torch.from_numpy(split["image"]), torch.from_numpy(split["labels"])

    generator = torch.Generator().manual_seed(context.seed)
    model = ResNet18(channels=images.shape[1])
    decayed = [p for p in model.parameters() if p.dim() > 1]
    plain = [p for p in model.parameters() if p.dim() <= 1]
    optimizer = torch.optim.SGD(
        [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": plain, "weight_decay": 0.0}],
        lr=peak,
        momentum=MOMENTUM,
        nesterov=True,
    )
    epochs = half_epochs + full_epochs
    for epoch in range(epochs):
        order = torch.randperm(len(images), generator=generator)
        for start in range(0, len(images), BATCH):
            chosen = order[start : start + BATCH]
            for group in optimizer.param_groups:
                group["lr"] = _rate((epoch + start / len(images)) / epochs, peak)
            batch = _augmented(images[chosen], generator)
            if epoch < half_epochs:
                batch = functional.avg_pool2d(batch, 2)
            loss = functional.cross_entropy(model(batch), labels[chosen], label_smoothing=LABEL_SMOOTHING)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch does not type it
            optimizer.step()
        print(f"epoch {epoch + 1} of {epochs}: loss {loss.item():.4f}")
    return model.state_dict()
