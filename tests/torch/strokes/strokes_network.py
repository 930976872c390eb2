"""A small convolutional network whose channels can be of very unlike magnitude."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Net(nn.Module):
    """Images float32 [N, 1, 8, 8] to logits float32 [N, 4]."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.norm = nn.BatchNorm2d(width)
        self.head = nn.Linear(width, 4)

    def forward(self, image: Tensor) -> Tensor:
        hidden = torch.relu(self.first(image))
        hidden = torch.relu(self.norm(self.second(hidden)))
        logits: Tensor = self.head(hidden.amax(dim=(2, 3)))
        return logits
