"""A torch module as an ONNX graph, for every plugin whose models are torch modules.

The SDK needs no torch: it is imported inside the functions, in an environment that has it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lepton_rules.plugin.errors import LeptonError, reason
from lepton_rules.plugin.facts import TensorSpec
from lepton_rules.plugin.onnx_agreement import WHAT

if TYPE_CHECKING:
    import onnx


def to_model(
    module: Any,
    inputs: Sequence[TensorSpec],
    outputs: Sequence[TensorSpec],
    opset: int,
    **options: Any,
) -> onnx.ModelProto:
    """The graph of a module or of an exported program, with these inputs and outputs, and their named dimensions.

    Args:
        module: a torch.nn.Module or a torch.export.ExportedProgram.
        inputs: the arguments of its forward, in order.
        outputs: what it gives, in order.
        opset: version of the ONNX operator set.
        **options: of `torch.onnx.export`: `args`, `dynamic_shapes`.

    Raises:
        LeptonError: torch's exporter cannot express the module, or gives another signature.
    """
    import torch

    # Where it may write. A library that the worker preloads may have made torch remember the worker's own place.
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = f"{tempfile.gettempdir()}/inductor"
    # torch lets an inner value have an output's name. Names that it cannot think of are put back afterwards.
    marks = {f"lepton_output_{index}": spec.name for index, spec in enumerate(outputs)}
    try:
        with _silence():
            exported = torch.onnx.export(
                module,
                dynamo=True,
                input_names=[spec.name for spec in inputs],
                output_names=list(marks),
                opset_version=opset,
                verbose=False,
                **options,
            )
        assert exported is not None
        model: onnx.ModelProto = exported.model_proto
    except Exception as error:  # the exporter raises whatever its parts raise
        raise LeptonError(
            WHAT,
            f"torch cannot express the module ({reason(error)})",
            "Write the forward pass with exportable operators",
        ) from error
    found = {entry.domain: entry.version for entry in model.opset_import}
    if found.get("") != opset:
        raise LeptonError(
            WHAT, f"torch gave opset {found.get('')}, {opset} was asked for", "Ask for an opset that it can write"
        )
    _rename(model, marks)
    _check_signature(model, inputs, outputs)
    _name_dimensions(model, [*inputs, *outputs])
    return model


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


def _rename(model: onnx.ModelProto, names: Mapping[str, str]) -> None:
    """Renames values by `names`; an inner value that is called like one of the new names makes way."""
    graph = model.graph
    taken = {name for node in graph.node for name in node.output} | {tensor.name for tensor in graph.initializer}
    renamed = dict(names)
    for name in names.values():
        if name in taken:
            renamed[name] = next(new for i in range(len(taken) + 1) if (new := f"{name}_inner{i}") not in taken)
    for node in graph.node:
        for values in (node.input, node.output):
            for index, name in enumerate(values):
                values[index] = renamed.get(name, name)
    for entry in (*graph.initializer, *graph.value_info, *graph.output):
        entry.name = renamed.get(entry.name, entry.name)


def _check_signature(model: onnx.ModelProto, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> None:
    for side, values, specs in (("inputs", model.graph.input, inputs), ("outputs", model.graph.output, outputs)):
        got = [(value.name, _shape(value)) for value in values]
        wanted = [(spec.name, [d if isinstance(d, int) else None for d in spec.shape]) for spec in specs]
        if got != wanted:
            raise LeptonError(
                WHAT,
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
