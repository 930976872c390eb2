"""Exports a JAX function as ONNX, canonically, and proves that the graph computes what JAX computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from lepton_plugin_jax import running
from lepton_plugin_jax.config import ExportConfig
from lepton_plugin_jax.conversion import convert
from lepton_plugin_jax.libraries import jax
from lepton_plugin_jax.program import Array, Function, Program, made
from lepton_rules.plugin import ExportContext, LeptonError, ModelFacts, TensorSpec, onnx_canonical

_WHAT = "ONNX export"
_SEED = 20


def to_onnx(context: ExportContext) -> ModelFacts:
    """Writes the model of `context` as `model.onnx` into its output. The signature, parameters and MACs stay.

    Raises:
        LeptonError: jax2onnx cannot express the function, or its graph gives outputs that differ from JAX's by more
            than the tolerance.
    """
    config: ExportConfig = context.config
    manifest = context.model.manifest
    program = Program.read(context.model.path)
    outputs = tuple(TensorSpec.from_json(spec) for spec in manifest["outputs"])
    with made(context.model.path, program) as function:
        model = _export(function, program, outputs, config.opset)
        # Twice, with other lengths: a dimension that was taken for a constant shows in the second.
        for choice in (0, 1):
            arrays = running.samples(program.inputs, running.lengths(program.inputs, choice), _SEED + choice)
            expected = running.run(function, arrays, program.outputs)
            _check_outputs(model, program.inputs, arrays, expected, config.tolerance)
    onnx_canonical.save(model, context.output)
    return ModelFacts(
        inputs=program.inputs,
        outputs=outputs,
        parameters=manifest["parameters"],
        macs=manifest["macs"],
        notes={"opset": config.opset},
    )


def _export(function: Function, program: Program, outputs: Sequence[TensorSpec], opset: int) -> onnx.ModelProto:
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
            _WHAT,
            f"jax2onnx cannot express the function ({running.reason(error)})",
            "Write it with operators that have a counterpart in ONNX",
        ) from error
    for values, specs in ((model.graph.input, program.inputs), (model.graph.output, outputs)):
        if [value.name for value in values] != [spec.name for spec in specs]:
            got = ", ".join(value.name for value in values)
            raise LeptonError(_WHAT, f"the graph has {got}", "Use every input, and give no output twice")
        for value, spec in zip(values, specs, strict=True):
            dtype = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(spec.dtype))
            if value.type.tensor_type.elem_type != dtype:
                raise LeptonError(_WHAT, f"{spec.name!r} is not {spec.dtype} in the graph", "Report it to jax2onnx")
            value.CopyFrom(onnx.helper.make_tensor_value_info(spec.name, dtype, list(spec.shape)))
    # What jax2onnx knows of shapes is for itself.
    del model.graph.value_info[:]
    return model


def _check_outputs(
    model: onnx.ModelProto,
    inputs: Sequence[TensorSpec],
    arrays: Sequence[Array],
    expected: Mapping[str, Array],
    tolerance: float,
) -> None:
    """Runs the graph with ONNX's reference implementation, which shares no code with JAX."""
    from onnx.reference import ReferenceEvaluator

    feeds = {spec.name: array for spec, array in zip(inputs, arrays, strict=True)}
    try:
        found = ReferenceEvaluator(model).run(list(expected), feeds)
    except Exception as error:  # the evaluator raises whatever numpy raises
        raise LeptonError(
            _WHAT,
            f"ONNX's reference implementation fails on the graph ({running.reason(error)})",
            "Report it to jax2onnx",
        ) from error
    for (name, wanted), array in zip(expected.items(), found, strict=True):
        if array.dtype != wanted.dtype or array.shape != wanted.shape:
            raise LeptonError(
                _WHAT,
                f"output {name!r} is {array.dtype}{list(array.shape)}, JAX gives {wanted.dtype}{list(wanted.shape)}",
                "Keep the named dimensions free in the function",
            )
        if not wanted.size:
            continue
        difference = np.abs(array.astype(np.float64) - wanted.astype(np.float64)).max()
        scale = max(1.0, float(np.abs(wanted.astype(np.float64)).max()))
        if not difference <= tolerance * scale:
            raise LeptonError(
                _WHAT,
                f"output {name!r} differs from JAX's by {difference:.3g}, accepted is {tolerance * scale:.3g}",
                "Write the function without random steps, or allow a greater tolerance",
            )
