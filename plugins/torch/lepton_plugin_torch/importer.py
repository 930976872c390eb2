"""Imports a PyTorch module: the user's sources, the weights, and what is known of them by running them once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from lepton_plugin_torch import macs, signature
from lepton_plugin_torch.config import ImportConfig
from lepton_plugin_torch.program import Program, built
from lepton_plugin_torch.tensors import INPUT_DTYPES, blobs
from lepton_rules.plugin import ImportContext, LeptonError, ModelFacts, safetensors_file
from lepton_rules.plugin.signature import parse_inputs
from lepton_rules.plugin.source_program import PROGRAM, WEIGHTS_FILE, copy_sources, parse_kwargs


def import_module(context: ImportContext) -> ModelFacts:
    """Writes the model of `context` into its output: sources, `program.json`, weights.

    The sources are code by their nature, and are run. The weights are data: a safetensors file. Where the target says
    `allow_code`, they may be a pickled checkpoint instead, which can run anything.

    Raises:
        LeptonError: the sources do not build the module that the weights and the inputs are for, or a file is not what
            it must be.
    """
    config: ImportConfig = context.config
    torch.set_num_threads(context.threads)
    program = Program(
        factory=config.factory,
        kwargs=parse_kwargs(config.kwargs),
        inputs=parse_inputs(config.inputs, INPUT_DTYPES),
        outputs=config.outputs,
    )
    copy_sources(context.sources, context.output / PROGRAM)
    _write_weights(context.weights, context.allow_code, context.output / WEIGHTS_FILE)
    program.write(context.output)
    with built(context.output, program) as module:
        return ModelFacts(
            inputs=program.inputs,
            outputs=signature.output_specs(module, program.inputs, program.outputs),
            parameters=sum(parameter.numel() for parameter in module.parameters()),
            macs=macs.count(module, program.inputs),
        )


def _write_weights(weights: Sequence[Path], allow_code: bool, output: Path) -> None:
    if len(weights) != 1:
        raise LeptonError("weights", f"there are {len(weights)} files, accepted is one", "Give one safetensors file")
    if allow_code and not safetensors_file.is_safetensors(weights[0]):
        loaded = torch.load(weights[0], map_location="cpu", weights_only=False)
        if isinstance(loaded, torch.nn.Module):
            loaded = loaded.state_dict()
        safetensors_file.write(output, blobs(loaded, f"weights {weights[0].name!r}"))
        return
    safetensors_file.canonicalise(weights[0], output)
