"""Exports a JAX function as ONNX, canonically, and proves that the graph computes what JAX computes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx

from lepton_plugin_jax import running
from lepton_plugin_jax.config import ExportConfig
from lepton_plugin_jax.conversion import convert
from lepton_plugin_jax.libraries import jax
from lepton_plugin_jax.program import Function, made
from lepton_rules.plugin import ExportContext, LeptonError, ModelFacts, TensorSpec, onnx_agreement, onnx_canonical
from lepton_rules.plugin.errors import reason
from lepton_rules.plugin.onnx_agreement import WHAT
from lepton_rules.plugin.signature import lengths
from lepton_rules.plugin.source_program import SourceProgram

_SEED = 20


def to_onnx(context: ExportContext) -> ModelFacts:
    """Writes the model of `context` as `model.onnx` into its output. The signature, parameters and MACs stay.

    Raises:
        LeptonError: jax2onnx cannot express the function, or its graph gives outputs that differ from JAX's by more
            than the tolerance.
    """
    config: ExportConfig = context.config
    manifest = context.model.manifest
    program = SourceProgram.read(context.model.path)
    outputs = tuple(TensorSpec.from_json(spec) for spec in manifest["outputs"])
    with made(context.model.path, program) as function:
        model = _export(function, program, outputs, config.opset)
        # Twice, with other lengths: a dimension that was taken for a constant shows in the second.
        for choice in (0, 1):
            arrays = running.samples(program.inputs, lengths(program.inputs, choice), _SEED + choice)
            onnx_agreement.check_outputs(
                model,
                {spec.name: array for spec, array in zip(program.inputs, arrays, strict=True)},
                running.run(function, arrays, program.outputs),
                config.tolerance,
                framework="JAX",
                converter="jax2onnx",
            )
    onnx_canonical.save(model, context.output)
    return ModelFacts.from_manifest(manifest, {"opset": config.opset})


def _export(function: Function, program: SourceProgram, outputs: Sequence[TensorSpec], opset: int) -> onnx.ModelProto:
    names = list(dict.fromkeys(d for spec in program.inputs for d in spec.shape if isinstance(d, str)))
    symbols = dict(zip(names, jax.export.symbolic_shape(", ".join(names)), strict=True)) if names else {}
    given = [
        jax.ShapeDtypeStruct(tuple(symbols.get(d, d) for d in spec.shape), np.dtype(spec.dtype))
        for spec in program.inputs
    ]

    def positional(*inputs: Any) -> tuple[Any, ...]:
        return tuple(running.named(function(*inputs), program.outputs).values())

    try:
        model = convert(
            positional, given, [spec.name for spec in program.inputs], [spec.name for spec in outputs], opset
        )
    except LeptonError:
        raise
    except Exception as error:  # jax2onnx raises whatever its parts raise
        raise LeptonError(
            WHAT,
            f"jax2onnx cannot express the function ({reason(error)})",
            "Write it with operators that have a counterpart in ONNX",
        ) from error
    for values, specs in ((model.graph.input, program.inputs), (model.graph.output, outputs)):
        if [value.name for value in values] != [spec.name for spec in specs]:
            got = ", ".join(value.name for value in values)
            raise LeptonError(WHAT, f"the graph has {got}", "Use every input, and give no output twice")
        for value, spec in zip(values, specs, strict=True):
            dtype = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(spec.dtype))
            if value.type.tensor_type.elem_type != dtype:
                raise LeptonError(WHAT, f"{spec.name!r} is not {spec.dtype} in the graph", "Report it to jax2onnx")
            value.CopyFrom(onnx.helper.make_tensor_value_info(spec.name, dtype, list(spec.shape)))
    # What jax2onnx knows of shapes is for itself.
    del model.graph.value_info[:]
    return model
