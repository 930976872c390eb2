"""Trains a module on a dataset: the same bytes each time for equal seeds, threads and data.

Stochastic gradient descent with Nesterov's momentum, or Adam, under one cycle of the learning rate (Smith and Topin,
"Super-Convergence", 2017, https://arxiv.org/abs/1708.07120): a rise over the first part, then a fall along a cosine.
Weight decay is for matrices and kernels alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from lepton_plugin_torch.pass_configs import TrainingConfig
from lepton_plugin_torch.program import Program
from lepton_plugin_torch.signature import named_outputs
from lepton_rules.plugin import DatasetFile, LeptonError, TensorSpec
from lepton_rules.plugin.arrays import require_fit

_RISE = 0.2
_MOMENTUM = 0.9


@dataclass(frozen=True)
class Samples:
    """A dataset in memory.

    Args:
        inputs: [samples, ...] for each argument of `forward`, in order.
        labels: int64 [samples], or None where the dataset has none.
        fixed: the number of samples that the model takes at a time, or 0 where it takes any.
    """

    inputs: tuple[Tensor, ...]
    labels: Tensor | None
    fixed: int

    def __len__(self) -> int:
        return len(self.inputs[0])

    def batch(self, chosen: Tensor) -> tuple[Tensor, ...]:
        """The inputs of the chosen samples."""
        return tuple(tensor[chosen] for tensor in self.inputs)

    def chunks(self, size: int, order: Tensor) -> list[Tensor]:
        """The order cut into batches of equal length; what is left over waits for another epoch's order."""
        size = min(self.fixed or size, len(self))
        return [order[start : start + size] for start in range(0, len(order) // size * size, size)]


def read_samples(slot: object, specs: Sequence[TensorSpec], what: str, labels: bool) -> Samples:
    """The dataset that is bound to a slot.

    Args:
        slot: what is bound, or None.
        specs: the model's inputs.
        what: the pass, for messages.
        labels: whether they are needed.

    Raises:
        LeptonError: nothing is bound, or it does not fit the model, or it has no labels, or labels that are no classes.
    """
    if not isinstance(slot, DatasetFile):
        raise LeptonError(
            f"slot train of {what}", "nothing is bound to it", 'Write slots = {"//some:dataset": "train"}'
        )
    arrays = slot.arrays()
    count = require_fit(arrays, specs, f"slot train of {what}")
    fixed = specs[0].shape[0] if specs[0].shape else 0
    fixed = fixed if isinstance(fixed, int) else 0
    if fixed > count:
        raise LeptonError(
            f"slot train of {what}", f"it has {count} samples, the model takes {fixed} at a time", "Give more samples"
        )
    found = arrays.get("labels")
    if labels and found is None:
        raise LeptonError(f"slot train of {what}", "it has no labels", "Give the dataset an array `labels`")
    return Samples(
        inputs=tuple(torch.from_numpy(arrays[spec.name]) for spec in specs),
        labels=torch.from_numpy(found).long() if found is not None and found.dtype.kind in "iu" else None,
        fixed=fixed,
    )


def classes(samples: Samples, logits: Tensor, what: str) -> Tensor:
    """The labels, where they are classes of `logits`, [batch, classes].

    Raises:
        LeptonError: they are not.
    """
    labels = samples.labels
    if labels is None or labels.dim() != 1:
        raise LeptonError(f"slot train of {what}", "its labels are no classes", "Give labels int64 [samples]")
    if logits.dim() != 2:
        raise LeptonError(what, f"the first output has shape {list(logits.shape)}", "Let it be logits [batch, classes]")
    if int(labels.min()) < 0 or int(labels.max()) >= logits.shape[1]:
        raise LeptonError(
            f"slot train of {what}",
            f"its labels are from {int(labels.min())} to {int(labels.max())}, the model has {logits.shape[1]} classes",
            "Give labels from 0 on",
        )
    return labels


def first_output(result: object, names: Sequence[str]) -> Tensor:
    """The first output of what `forward` gave."""
    return next(iter(named_outputs(result, names).values()))


def rate(progress: float, peak: float) -> float:
    """One cycle: from peak/25 up to the peak, then down along a cosine to peak/1000. Progress is from 0 to 1."""
    if progress < _RISE:
        return peak * (1 / 25 + (1 - 1 / 25) * progress / _RISE)
    return peak * (1e-3 + (1 - 1e-3) * (1 + math.cos(math.pi * (progress - _RISE) / (1 - _RISE))) / 2)


def fit(
    modules: Sequence[torch.nn.Module],
    samples: Samples,
    config: TrainingConfig,
    seed: int,
    loss: Callable[[Tensor], Mapping[str, Tensor]],
    what: str,
) -> list[dict[str, float]]:
    """Trains for `config.epochs` and returns each epoch's mean of each term of the loss.

    Args:
        modules: whose parameters are trained; they are in training mode meanwhile, and in evaluation mode after.
        samples: what is drawn from.
        config: epochs, batch size, learning rate and the like.
        seed: of the order of the samples.
        loss: the terms of a batch's loss, given its samples' numbers; their sum is minimised.
        what: the pass, for messages.

    Raises:
        LeptonError: about `what`: the loss is NaN or infinite, or there is nothing to train.
    """
    parameters = [p for module in modules for p in module.parameters() if p.requires_grad]
    if not parameters:
        raise LeptonError(what, "the model has no parameters to train", "Set epochs to 0, or leave the pass out")
    groups: list[dict[str, Any]] = [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    optimizer: torch.optim.Optimizer
    if config.optimizer == "sgd":
        optimizer = torch.optim.SGD(groups, lr=config.learning_rate, momentum=_MOMENTUM, nesterov=True)
    else:
        optimizer = torch.optim.AdamW(groups, lr=config.learning_rate)
    generator = torch.Generator().manual_seed(seed)
    for module in modules:
        module.train()
    history: list[dict[str, float]] = []
    for epoch in range(config.epochs):
        chunks = samples.chunks(config.batch_size, torch.randperm(len(samples), generator=generator))
        sums: dict[str, float] = {}
        for number, chosen in enumerate(chunks):
            for group in optimizer.param_groups:
                group["lr"] = rate((epoch + number / len(chunks)) / config.epochs, config.learning_rate)
            terms = loss(chosen)
            total = torch.stack(list(terms.values())).sum()
            if not torch.isfinite(total):
                raise LeptonError(what, f"the loss is {total.item()} in epoch {epoch + 1}", "Lower learning_rate")
            optimizer.zero_grad()
            total.backward()  # type: ignore[no-untyped-call]  # torch does not type it
            optimizer.step()
            for name, value in terms.items():
                sums[name] = sums.get(name, 0.0) + float(value.detach())
        history.append({name: value / len(chunks) for name, value in sums.items()})
        shown = ", ".join(f"{name} {value:.4f}" for name, value in history[-1].items())
        print(f"epoch {epoch + 1} of {config.epochs}: {shown}")
    for module in modules:
        module.eval()
    return history


def training_notes(config: TrainingConfig, samples: Samples, history: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """What notes say of a training: its samples and the losses of its first and last epoch."""
    rounded = [{name: float(f"{value:.6g}") for name, value in epoch.items()} for epoch in history]
    return {"samples": len(samples), "epochs": config.epochs, "first_loss": rounded[0], "last_loss": rounded[-1]}


def label_loss(module: torch.nn.Module, program: Program, samples: Samples, chosen: Tensor, what: str) -> Tensor:
    """The mean cross-entropy of the chosen samples' labels."""
    logits = first_output(module(*samples.batch(chosen)), program.outputs)
    return functional.cross_entropy(logits, classes(samples, logits, what)[chosen])


def tune(
    module: torch.nn.Module, program: Program, samples: Samples, config: TrainingConfig, seed: int, what: str
) -> dict[str, Any]:
    """Trains on the labels, and returns what notes say of it."""
    history = fit(
        [module],
        samples,
        config,
        seed,
        lambda chosen: {"cross_entropy": label_loss(module, program, samples, chosen, what)},
        what,
    )
    return training_notes(config, samples, history)
