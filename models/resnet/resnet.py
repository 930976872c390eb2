"""ResNet-18 for small images.

He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition" (2015), https://arxiv.org/abs/1512.03385: basic
blocks in four stages of two (64, 128, 256 and 512 channels). The stem is the one that the paper uses for CIFAR, a
single 3x3 convolution.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut: [N, in_channels, H, W] to [N, channels, H / stride, W / stride]."""

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, channels, 1, stride=stride, bias=False),
                nn.BatchNorm2d(channels),
            )

    def forward(self, x: Tensor) -> Tensor:
        out = torch.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return torch.relu(out + self.shortcut(x))


class ResNet18(nn.Module):
    """Images float32 [N, channels, H, W] to logits float32 [N, classes], for any H and W from 8 up.

    11.2 million parameters.
    """

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(channels, 64, 3, padding=1, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(),
        )
        blocks: list[nn.Module] = []
        width = 64
        for stage_width, stride in STAGES:
            blocks.append(BasicBlock(width, stage_width, stride))
            blocks.append(BasicBlock(stage_width, stage_width, 1))
            width = stage_width
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(width, classes)

    def forward(self, image: Tensor) -> Tensor:
        features = self.blocks(self.stem(image)).mean(dim=(2, 3))
        logits: Tensor = self.head(features)
        return logits
