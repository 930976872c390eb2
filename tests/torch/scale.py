"""A module in a file of its own."""

from __future__ import annotations

import torch


class Scale(torch.nn.Module):
    """One weight."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor([3.0]))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image * self.weight
