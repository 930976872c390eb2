"""What `lepton_checkpoint` asks of the plugin that it names: see lepton_rules/actions/checkpoint.py."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from lepton_plugin_torch.checkpoint_file import convert
from lepton_plugin_torch.tensors import blobs
from lepton_rules.plugin import safetensors_file

__all__ = ["convert", "prepare", "save"]


def prepare(seed: int, threads: int) -> None:
    """Makes what follows in this process the same each time: seeds, number of threads, deterministic kernels."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)


def save(weights: Mapping[str, object], output: Path, what: str) -> None:
    """Writes torch tensors or numpy arrays by name as safetensors.

    Raises:
        LeptonError: about `what`: they are no such thing.
    """
    safetensors_file.write(output, blobs(weights, what))
