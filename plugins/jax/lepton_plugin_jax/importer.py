"""Imports a JAX function: the user's sources, the weights, and what is known of them by running them once."""

from __future__ import annotations

from lepton_plugin_jax import running
from lepton_plugin_jax.config import ImportConfig
from lepton_plugin_jax.program import INPUT_DTYPES, made, read_weights, write_weights
from lepton_rules.plugin import ImportContext, ModelFacts
from lepton_rules.plugin.signature import parse_inputs
from lepton_rules.plugin.source_program import PROGRAM, WEIGHTS_FILE, SourceProgram, copy_sources, parse_kwargs


def import_function(context: ImportContext) -> ModelFacts:
    """Writes the model of `context` into its output: sources, `program.json`, weights.

    The sources are code by their nature, and are run. The weights are data.

    Raises:
        LeptonError: the sources do not make a function that the weights and the inputs are for, or a file is not what
            it must be.
    """
    config: ImportConfig = context.config
    program = SourceProgram(
        factory=config.factory,
        kwargs=parse_kwargs(config.kwargs),
        inputs=parse_inputs(config.inputs, INPUT_DTYPES),
        outputs=config.outputs,
    )
    copy_sources(context.sources, context.output / PROGRAM)
    write_weights(context.weights, context.output / WEIGHTS_FILE)
    program.write(context.output)
    weights = read_weights(context.output / WEIGHTS_FILE)
    with made(context.output, program) as function:
        return ModelFacts(
            inputs=program.inputs,
            outputs=running.output_specs(function, program.inputs, program.outputs),
            parameters=sum(int(array.size) for array in weights.values()),
            macs=running.count_macs(function, program.inputs),
        )
