"""Unstructured and N:M pruning: single weights become zero, and shapes stay.

- Magnitude, in each layer or over the whole model: Han et al., "Learning both Weights and Connections for Efficient
  Neural Networks", 2015, https://arxiv.org/abs/1506.02626, with torch.nn.utils.prune.
- N:M, at most N non-zeros in each M along the reduced axis: Mishra et al., "Accelerating Sparse Deep Neural Networks",
  2021, https://arxiv.org/abs/2104.08378.

Neither makes the file smaller nor a dense kernel faster: what is gained is that the file compresses, and time only on a
chip with sparse kernels. The notes say which of the two holds.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from lepton_plugin_torch import surgery, training
from lepton_plugin_torch.pass_configs import PruneMagnitudeConfig, PruneNMConfig
from lepton_plugin_torch.program import built
from lepton_rules.plugin import LeptonError, ModelFacts, PassContext
from lepton_rules.plugin.source_program import WEIGHTS_FILE

_LAYERS = (nn.modules.conv._ConvNd, nn.Linear)
_CHUNK = 1 << 20
_SIZE_ONLY = "size only: zeros compress, and this chip computes them like other numbers"


def prune_magnitude(context: PassContext) -> ModelFacts:
    """Writes the model with its weights of least magnitude at zero.

    Raises:
        LeptonError: an excluded layer is not there, nothing is left to prune, or samples are needed and not bound.
    """
    config: PruneMagnitudeConfig = context.config

    def cut(layers: Sequence[tuple[str, Any]]) -> dict[str, str]:
        if config.scope == "model":
            prune.global_unstructured(
                [(layer, "weight") for _, layer in layers],
                pruning_method=prune.L1Unstructured,
                amount=config.sparsity,
            )
        else:
            for _, layer in layers:
                prune.l1_unstructured(layer, "weight", amount=config.sparsity)  # type: ignore[no-untyped-call]
        return {}

    return _prune(context, "pass torch.prune_magnitude", cut, _SIZE_ONLY)


def prune_n_m(context: PassContext) -> ModelFacts:
    """Writes the model with at most N non-zero weights in each group of M along the reduced axis.

    Raises:
        LeptonError: as `prune_magnitude`.
    """
    config: PruneNMConfig = context.config
    sparse = (config.n, config.m) == (2, 4) and context.hardware and "sparse_2_4" in context.hardware.capabilities

    def cut(layers: Sequence[tuple[str, Any]]) -> dict[str, str]:
        left_alone = {}
        for name, layer in layers:
            mask = n_m_mask(layer.weight.detach(), _reduced_axis(layer), config.n, config.m)
            if mask is None:
                left_alone[name] = f"its reduced axis has a length that {config.m} does not divide"
            else:
                prune.custom_from_mask(layer, "weight", mask)  # type: ignore[no-untyped-call]
        return left_alone

    return _prune(
        context, "pass torch.prune_n_m", cut, "size and time: the chip skips the zeros" if sparse else _SIZE_ONLY
    )


def _reduced_axis(layer: nn.Module) -> int:
    """The axis of a layer's weights that its products are summed over, taps of the kernel aside: its input channels."""
    return 0 if getattr(layer, "transposed", False) else 1


def n_m_mask(weight: Tensor, axis: int, n: int, m: int) -> Tensor | None:
    """1 where a weight is among the N of greatest magnitude of its group of M along an axis, else 0.

    Of equal magnitudes the first stays. None where M does not divide the axis' length.
    """
    if weight.shape[axis] % m:
        return None
    groups = weight.movedim(axis, -1).reshape(-1, m)
    order = torch.argsort(groups.abs(), dim=1, descending=True, stable=True)
    mask = torch.zeros_like(groups).scatter_(1, order[:, :n], 1.0)
    moved = weight.movedim(axis, -1)
    return mask.reshape(moved.shape).movedim(-1, axis).contiguous()


def _prune(
    context: PassContext,
    what: str,
    cut: Callable[[Sequence[tuple[str, Any]]], dict[str, str]],
    effect: str,
) -> ModelFacts:
    """Masks, trains with the masks on where the configuration says so, and writes.

    Args:
        context: the pass's.
        what: the pass, for messages.
        cut: puts masks on layers, and says why it left some alone.
        effect: what is gained, for the notes.
    """
    config: PruneMagnitudeConfig | PruneNMConfig = context.config
    program = surgery.begin(context)
    samples = None
    if config.epochs:
        samples = training.read_samples(context.slots.get("train"), program.inputs, what, labels=True)
    with built(context.model.path, program) as module:
        shapes = surgery.shapes_of(module)
        surgery.require_layers(module, config.exclude, what)
        layers = [
            (n, m) for n, m in module.named_modules() if isinstance(m, _LAYERS) and not surgery.is_in(n, config.exclude)
        ]
        left_alone = cut(layers) if layers else {}
        masked = [(name, layer) for name, layer in layers if prune.is_pruned(layer)]
        if not masked:
            raise LeptonError(what, "no layer can be pruned", "Leave the pass out, or exclude less")
        notes: dict[str, Any] = {}
        if samples is not None:
            notes["training"] = training.tune(module, program, samples, config, context.seed, what)
        for _, layer in masked:
            prune.remove(layer, "weight")  # type: ignore[no-untyped-call]
        weights = [(name, layer.weight) for name, layer in masked]
        zeros = {name: int((weight == 0).sum()) for name, weight in weights}
        notes |= {
            "effect": effect,
            "zeros": zeros,
            "sparsity": round(sum(zeros.values()) / sum(weight.numel() for _, weight in weights), 6),
            "left_alone": {**left_alone, **dict.fromkeys(config.exclude, "excluded")},
        }
        facts = surgery.finish(context, module, program, shapes, notes, what)
    compressed = {
        side: _deflated(path / WEIGHTS_FILE)
        for side, path in (("before", context.model.path), ("after", context.output))
    }
    return surgery.with_notes(facts, {"deflated_weights_bytes": compressed})


def _deflated(path: Path) -> int:
    """Bytes of a file after deflate, as an archive or a layer of a container would hold it."""
    packer, total = zlib.compressobj(6), 0
    with path.open("rb") as stream:
        while piece := stream.read(_CHUNK):
            total += len(packer.compress(piece))
    return total + len(packer.flush())
