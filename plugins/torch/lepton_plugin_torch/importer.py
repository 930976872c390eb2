"""Imports a PyTorch module: the user's sources, the weights, and what is known of them by running them once."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

import lepton_rules
from lepton_plugin_torch import macs, signature
from lepton_plugin_torch.config import ImportConfig
from lepton_plugin_torch.program import PROGRAM, WEIGHTS_FILE, Program, built
from lepton_plugin_torch.tensors import blobs
from lepton_rules.plugin import ImportContext, LeptonError, ModelFacts, safetensors_file


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
        kwargs=_kwargs(config.kwargs),
        inputs=signature.parse_inputs(config.inputs),
        outputs=config.outputs,
    )
    _copy_sources(context.sources, context.output / PROGRAM)
    _write_weights(context.weights, context.allow_code, context.output / WEIGHTS_FILE)
    program.write(context.output)
    with built(context.output, program) as module:
        return ModelFacts(
            inputs=program.inputs,
            outputs=signature.output_specs(module, program.inputs, program.outputs),
            parameters=sum(parameter.numel() for parameter in module.parameters()),
            macs=macs.count(module, program.inputs),
        )


def _kwargs(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise LeptonError("kwargs", f"it is not JSON ({error})", "Write json.encode({…})") from None
    if not isinstance(value, dict):
        raise LeptonError("kwargs", f"it is a JSON {type(value).__name__}", "Write json.encode({…})")
    return value


def _copy_sources(sources: Sequence[Path], directory: Path) -> None:
    """Copies each source to every name under which sys.path lets it be imported, or else to its own name."""
    if not any(source.suffix == ".py" for source in sources):
        raise LeptonError("srcs", "there is no Python source", "Give the files that define the module")
    own = Path(lepton_rules.__file__).parent.parent
    for source in sources:
        places = [Path(place) for place in dict.fromkeys(sys.path) if place and source.is_relative_to(place)]
        # This package's root is on sys.path for itself; a model of this very repository lies below it by chance.
        named = [place for place in places if place.resolve() != own.resolve()] or places
        for name in [source.relative_to(place) for place in named] or [Path(source.name)]:
            target = directory / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.exists() and target.read_bytes() != source.read_bytes():
                raise LeptonError("srcs", f"two files are both imported as {name}", "Give one of them another name")
            shutil.copyfile(source, target)


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
