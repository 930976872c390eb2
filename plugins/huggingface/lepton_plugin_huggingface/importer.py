"""Imports a Hugging Face folder: config.json, safetensors files and a tokenizer, all given as files, none looked up."""

from __future__ import annotations

import dataclasses

import torch

from lepton_plugin_huggingface import encoder, folder
from lepton_plugin_huggingface.config import ImportConfig
from lepton_rules.plugin import ImportContext, ModelFacts, TensorSpec


def import_folder(context: ImportContext) -> ModelFacts:
    """Writes the model of `context` into its output, in the canonical form that `folder` tells of.

    What a file is follows from its content. Nothing of the folder is run: pickles, Python files and configurations that
    name some are refused.

    Raises:
        LeptonError: a file is refused, or the files are not one whole model that transformers has.
    """
    config: ImportConfig = context.config
    torch.set_num_threads(context.threads)
    found = folder.read([*context.sources, *context.weights])
    interface = encoder.Interface(**dataclasses.asdict(config))
    folder.write(found, dataclasses.asdict(interface), context.output)
    with encoder.built(context.output) as module:
        output = encoder.run(module, encoder.samples(module, 2, 8, seed=0))
        shape: tuple[int | str, ...] = ("batch", *output.shape[1:])
        if interface.output == "last_hidden_state":
            shape = ("batch", "sequence", *output.shape[2:])
        return ModelFacts(
            inputs=interface.inputs,
            outputs=(TensorSpec(interface.output, "float32", shape),),
            parameters=sum(parameter.numel() for parameter in module.parameters()),
            macs=None,
            notes={
                "architecture": type(module.model).__name__,
                "ignored_files": sorted(found.ignored),
                "tokenizer_files": sorted(path.name for path in found.tokenizer),
                "unused_tensors": sorted(_unused(module, context)),
            },
        )


def _unused(module: encoder.Encoder, context: ImportContext) -> list[str]:
    """Tensors of the file that the module has under no prefix, such as those of a pooler that nothing reads."""
    from lepton_rules.plugin import safetensors_file

    own = set(module.model.state_dict())
    prefix = getattr(module.model, "base_model_prefix", "")
    names = safetensors_file.read_entries(context.output / folder.WEIGHTS_FILE)
    return [name for name in names if not {name, f"{prefix}.{name}", name.removeprefix(f"{prefix}.")} & own]
