"""Trains the network, and then makes it hard to round without changing what it computes.

Multiplying a channel before a ReLU by a positive factor and dividing what reads it by the same changes nothing in
floating point. With one scale for a whole layer, integers then have few levels for the channels that became small: what
Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", 2019,
https://arxiv.org/abs/1906.04721, describe of trained networks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from strokes_network import Net
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from lepton_rules.plugin.training import TrainingContext

EPOCHS = 30
BATCH = 32
SPREAD = 10.0  # the greatest factor is 2 to this power


def train(context: TrainingContext) -> Mapping[str, Tensor]:
    """Gives the weights of a `Net` trained on the split `train`."""
    split = context.datasets["train"]
    images, labels = torch.from_numpy(split["image"]), torch.from_numpy(split["labels"])
    generator = torch.Generator().manual_seed(context.seed)
    model = Net()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(EPOCHS):
        for chosen in torch.randperm(len(images), generator=generator).split(BATCH):  # type: ignore[no-untyped-call]
            loss = functional.cross_entropy(model(images[chosen]), labels[chosen])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    with torch.no_grad():
        factors = 2 ** torch.linspace(0, SPREAD, len(model.first.weight))
        model.first.weight *= factors[:, None, None, None]
        assert model.first.bias is not None
        model.first.bias *= factors
        model.second.weight /= factors[None, :, None, None]
    return model.state_dict()
