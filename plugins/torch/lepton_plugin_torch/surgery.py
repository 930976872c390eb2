"""How a pass over a PyTorch model begins and ends: the module in memory, and the changed one on disk with its facts."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from lepton_plugin_torch import macs
from lepton_plugin_torch.checkpoint import prepare
from lepton_plugin_torch.program import Program
from lepton_plugin_torch.resized import Shapes, difference
from lepton_plugin_torch.tensors import blobs
from lepton_rules.plugin import LeptonError, ModelFacts, PassContext, TensorSpec, safetensors_file
from lepton_rules.plugin.names import suggestion
from lepton_rules.plugin.source_program import PROGRAM, WEIGHTS_FILE


def begin(context: PassContext) -> Program:
    """Seeds the process, sets its threads, and reads how the model is built."""
    prepare(context.seed, context.threads)
    return Program.read(context.model.path)


def shapes_of(module: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    """The shape of each tensor of the module's state."""
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def require_layers(module: torch.nn.Module, names: Sequence[str], what: str) -> None:
    """Fails where a pass is told to exclude a layer that is not there."""
    known = [name for name, _ in module.named_modules() if name]
    for name in names:
        if name not in known:
            raise LeptonError(f"exclude of {what}", f"there is no layer {name!r}", suggestion(name, known))


def is_in(name: str, parts: Sequence[str]) -> bool:
    """Whether a layer is one of these, or inside one."""
    return any(name == part or name.startswith(f"{part}.") for part in parts)


def with_notes(facts: ModelFacts, notes: Mapping[str, Any]) -> ModelFacts:
    """The facts with more notes."""
    return dataclasses.replace(facts, notes={**facts.notes, **notes})


def parameters_of(module: torch.nn.Module) -> int:
    """Number of learned values."""
    return sum(parameter.numel() for parameter in module.parameters())


def finish(
    context: PassContext,
    module: torch.nn.Module,
    program: Program,
    shapes: Shapes,
    notes: Mapping[str, Any],
    what: str,
) -> ModelFacts:
    """Writes the changed module, and returns its facts; notes get `before` and `after`: parameters, MACs, bytes.

    Args:
        context: the pass's.
        module: the changed module.
        program: how the model was built.
        shapes: of the module's tensors before the pass.
        notes: what else the pass has to say.
        what: the pass, for messages.

    Raises:
        LeptonError: about `what`: a weight is NaN or infinite.
    """
    for name, tensor in module.state_dict().items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise LeptonError(what, f"it left NaN or infinite values in {name!r}", "Train with a smaller learning_rate")
    changed = Program(
        factory=program.factory,
        kwargs=program.kwargs,
        inputs=program.inputs,
        outputs=program.outputs,
        resized=difference(shapes, module, program.resized),
    )
    before, output = context.model.manifest, context.output
    shutil.copytree(context.model.path / PROGRAM, output / PROGRAM)
    changed.write(output)
    safetensors_file.write(output / WEIGHTS_FILE, blobs(module.state_dict(), what))
    module.eval()
    parameters, operations = parameters_of(module), macs.count(module, program.inputs)
    return ModelFacts(
        inputs=program.inputs,
        outputs=tuple(TensorSpec.from_json(spec) for spec in before["outputs"]),
        parameters=parameters,
        macs=operations,
        notes={
            **notes,
            "before": {
                "parameters": before["parameters"],
                "macs": before["macs"],
                "bytes": bytes_of(context.model.path),
            },
            "after": {"parameters": parameters, "macs": operations, "bytes": bytes_of(output)},
        },
    )


def bytes_of(directory: Path) -> int:
    """Bytes of all files below a directory."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
