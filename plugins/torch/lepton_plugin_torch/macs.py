"""Counts multiply-accumulate operations by running a module under torch's own counter."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.utils.flop_counter import FlopCounterMode

from lepton_plugin_torch.signature import samples
from lepton_rules.plugin import TensorSpec


def count(module: torch.nn.Module, inputs: Sequence[TensorSpec]) -> int | None:
    """Multiply-accumulates of one sample: those of convolutions, matrix products and attention, as papers count them.

    None where a dimension other than the leading one of an input is known only at run time, as the number then depends
    on it.
    """
    batches = {spec.shape[0] for spec in inputs if spec.shape and isinstance(spec.shape[0], str)}
    named = {dimension for spec in inputs for dimension in spec.shape if isinstance(dimension, str)}
    if named - batches or len(batches) > 1:
        return None
    fixed = {spec.shape[0] for spec in inputs if spec.shape} - batches
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(*samples(inputs, {str(name): 1 for name in batches}))
    operations = int(counter.get_total_flops()) // 2  # it counts a multiplication and an addition
    if batches or len(fixed) != 1:
        return operations
    return operations // int(next(iter(fixed)))
