"""The calibration samples, as Olive's configuration names them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from olive.data.registry import Registry


class _Samples(torch.utils.data.Dataset):  # type: ignore[type-arg]
    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        self._labels = arrays.pop("labels")
        self._arrays = arrays

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> tuple[dict[str, torch.Tensor], int]:
        return {name: torch.from_numpy(array[index]) for name, array in self._arrays.items()}, int(self._labels[index])


@Registry.register_dataset()
def calibration_samples(data_dir: str, **_: Any) -> _Samples:
    """The samples of an npz file."""
    return _Samples(dict(np.load(data_dir)))
