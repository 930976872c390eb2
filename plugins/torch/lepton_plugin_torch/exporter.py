"""Exports a PyTorch module as ONNX, canonically, and proves that the graph computes what the module computes."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import torch

from lepton_plugin_torch import signature
from lepton_plugin_torch.config import ExportConfig
from lepton_plugin_torch.exported_program import Exported, load_program
from lepton_plugin_torch.program import Program, built
from lepton_rules.plugin import ExportContext, LeptonError, ModelFacts, TensorSpec, onnx_canonical

_WHAT = "ONNX export"
_SEED = 20


def to_onnx(context: ExportContext) -> ModelFacts:
    """Writes the model of `context` as `model.onnx` into its output. The signature, parameters and MACs stay.

    Raises:
        LeptonError: torch's exporter cannot express the module, gives another signature, or a graph whose outputs
            differ from the module's by more than the tolerance.
    """
    config: ExportConfig = context.config
    torch.set_num_threads(context.threads)
    manifest = context.model.manifest
    program = Program.read(context.model.path)
    outputs = tuple(TensorSpec.from_json(spec) for spec in manifest["outputs"])
    with built(context.model.path, program) as module:
        model = _export(module, program, outputs, config.opset)
        _check_signature(model, program.inputs, outputs)
        # Twice, with other lengths: a dimension that was taken for a constant shows in the second.
        for choice in (0, 1):
            inputs = signature.samples(program.inputs, signature.lengths(program.inputs, choice), _SEED + choice)
            expected = signature.run(module, inputs, program.outputs)
            _check_outputs(model, program.inputs, inputs, expected, config.tolerance)
    onnx_canonical.save(model, context.output)
    return ModelFacts(
        inputs=program.inputs,
        outputs=outputs,
        parameters=manifest["parameters"],
        macs=manifest["macs"],
        notes={"opset": config.opset},
    )


def exported_to_onnx(context: ExportContext) -> ModelFacts:
    """Writes the exported program of `context` as `model.onnx`; otherwise as `to_onnx`."""
    config: ExportConfig = context.config
    torch.set_num_threads(context.threads)
    manifest = context.model.manifest
    exported, tensors = Exported.read(context.model.path)
    program, module = load_program(exported.program, tensors, _WHAT)
    names = [spec.name for spec in exported.outputs]
    model = _to_model(program, exported.inputs, exported.outputs, config.opset)
    _check_signature(model, exported.inputs, exported.outputs)
    _name_dimensions(model, [*exported.inputs, *exported.outputs])
    for choice in (0, 1):
        inputs = signature.samples(exported.inputs, signature.lengths(exported.inputs, choice), _SEED + choice)
        _check_outputs(model, exported.inputs, inputs, signature.run(module, inputs, names), config.tolerance)
    onnx_canonical.save(model, context.output)
    return ModelFacts.from_manifest(manifest, {"opset": config.opset})


def _export(module: torch.nn.Module, program: Program, outputs: Sequence[TensorSpec], opset: int) -> onnx.ModelProto:
    dimensions: dict[str, Any] = {}
    shapes = tuple(
        {
            axis: dimensions.setdefault(name, torch.export.Dim(name))
            for axis, name in enumerate(spec.shape)
            if isinstance(name, str)
        }
        for spec in program.inputs
    )
    example = signature.samples(program.inputs, signature.lengths(program.inputs, 0))
    return _to_model(module, program.inputs, outputs, opset, args=example, dynamic_shapes=shapes)


def _to_model(
    module: torch.nn.Module | torch.export.ExportedProgram,
    inputs: Sequence[TensorSpec],
    outputs: Sequence[TensorSpec],
    opset: int,
    **options: Any,
) -> onnx.ModelProto:
    try:
        with _silence():
            exported = torch.onnx.export(
                module,
                dynamo=True,
                input_names=[spec.name for spec in inputs],
                output_names=[spec.name for spec in outputs],
                opset_version=opset,
                verbose=False,
                **options,
            )
        assert exported is not None
        model: onnx.ModelProto = exported.model_proto
    except Exception as error:  # the exporter raises whatever its parts raise
        raise LeptonError(
            _WHAT,
            f"torch cannot express the module ({_reason(error)})",
            "Write the forward pass with exportable operators",
        ) from error
    found = {entry.domain: entry.version for entry in model.opset_import}
    if found.get("") != opset:
        raise LeptonError(
            _WHAT, f"torch gave opset {found.get('')}, {opset} was asked for", "Ask for an opset that it can write"
        )
    return model


def _reason(error: BaseException) -> str:
    """The first line of the innermost cause: the exporter wraps the failure in pages of advice."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keeps the exporter's progress and its notes on libraries that are not installed out of the user's build log."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _check_signature(model: onnx.ModelProto, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> None:
    for side, values, specs in (("inputs", model.graph.input, inputs), ("outputs", model.graph.output, outputs)):
        got = [(value.name, _shape(value)) for value in values]
        wanted = [(spec.name, [d if isinstance(d, int) else None for d in spec.shape]) for spec in specs]
        if got != wanted:
            raise LeptonError(
                _WHAT,
                f"the graph's {side} are {got}, the module's are {wanted}",
                "Use every input, and keep the named dimensions free",
            )


def _name_dimensions(model: onnx.ModelProto, specs: Sequence[TensorSpec]) -> None:
    """Calls the graph's free dimensions as the signature does; an exported program knows its own as symbols alone."""
    names: dict[str, str] = {}
    for value, spec in zip([*model.graph.input, *model.graph.output], specs, strict=True):
        for dimension, name in zip(value.type.tensor_type.shape.dim, spec.shape, strict=True):
            if isinstance(name, str):
                names.setdefault(dimension.dim_param, name)
    for value in [*model.graph.input, *model.graph.output, *model.graph.value_info]:
        for dimension in value.type.tensor_type.shape.dim:
            if dimension.HasField("dim_param"):
                dimension.dim_param = names.get(dimension.dim_param, dimension.dim_param)


def _shape(value: onnx.ValueInfoProto) -> list[int | None]:
    return [d.dim_value if d.HasField("dim_value") else None for d in value.type.tensor_type.shape.dim]


def _check_outputs(
    model: onnx.ModelProto,
    specs: Sequence[TensorSpec],
    inputs: Sequence[torch.Tensor],
    expected: Mapping[str, torch.Tensor],
    tolerance: float,
) -> None:
    """Runs the graph with ONNX's reference implementation, which shares no code with torch."""
    from onnx.reference import ReferenceEvaluator

    feeds = {spec.name: tensor.numpy() for spec, tensor in zip(specs, inputs, strict=True)}
    try:
        found = ReferenceEvaluator(model).run(list(expected), feeds)
    except Exception as error:  # the evaluator raises whatever numpy raises
        raise LeptonError(
            _WHAT, f"ONNX's reference implementation fails on the graph ({_reason(error)})", "Report it to torch"
        ) from error
    for (name, tensor), array in zip(expected.items(), found, strict=True):
        wanted = tensor.numpy()
        if array.dtype != wanted.dtype or array.shape != wanted.shape:
            raise LeptonError(
                _WHAT,
                f"output {name!r} is {array.dtype}{list(array.shape)}, torch gives {wanted.dtype}{list(wanted.shape)}",
                "Keep the named dimensions free in forward",
            )
        if not wanted.size:
            continue
        difference = np.abs(array.astype(np.float64) - wanted.astype(np.float64)).max()
        scale = max(1.0, float(np.abs(wanted.astype(np.float64)).max()))
        if not difference <= tolerance * scale:
            raise LeptonError(
                _WHAT,
                f"output {name!r} differs from torch's by {difference:.3g}, accepted is {tolerance * scale:.3g}",
                "Write forward without random or data-dependent steps, or allow a greater tolerance",
            )
