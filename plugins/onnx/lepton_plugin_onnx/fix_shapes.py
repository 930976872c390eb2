"""From dynamic to fixed shapes: symbolic dimensions of the inputs get lengths, and what follows from them is inferred.

A dimension that has its length makes constants of the shape arithmetic behind it, which onnx.optimize then folds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_plugin_onnx.files import read_model
from lepton_plugin_onnx.finish import finish
from lepton_plugin_onnx.shapes import dims_of, infer
from lepton_rules.plugin import LeptonError, ModelFacts, PassContext
from lepton_rules.plugin.names import suggestion

if TYPE_CHECKING:
    import onnx

    from lepton_plugin_onnx.graph_configs import FixShapesConfig

_WHAT = "pass onnx.fix_shapes"


def fix_shapes(context: PassContext) -> ModelFacts:
    """Writes the model with fixed dimensions. LeptonError where a name is no dimension of an input, or a length
    contradicts the graph."""
    config: FixShapesConfig = context.config
    model = read_model(context.model.path)
    lengths = {name: int(length) for name, length in config.dimensions.items()}
    known = _name_dimensions(model)
    for name in lengths:
        if name not in known:
            raise LeptonError(_WHAT, f"no input has a symbolic dimension {name!r}", suggestion(name, known))
    for value in [*model.graph.input, *model.graph.output]:
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param in lengths:
                dim.dim_value = lengths[dim.dim_param]
    del model.graph.value_info[:]  # what the model said of inner shapes may name the old dimensions
    _infer_outputs(model)
    notes = {"fixed": lengths, "symbolic": sorted(known - set(lengths))}
    return finish(model, context.output, notes)


def _name_dimensions(model: onnx.ModelProto) -> set[str]:
    """The symbolic dimensions of the inputs; those without a name get the one that a manifest calls them by."""
    names = set()
    for value in model.graph.input:
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            if not dim.HasField("dim_value"):
                dim.dim_param = dim.dim_param or f"{value.name}_{axis}"
                names.add(dim.dim_param)
    return names


def _infer_outputs(model: onnx.ModelProto) -> None:
    """Writes inferred lengths into the outputs, wherever they were symbolic."""
    types = infer(model, strict=True)
    for value in model.graph.output:
        dims = dims_of(types.get(value.name))
        if dims is None:
            continue
        if not value.type.tensor_type.HasField("shape"):
            value.type.CopyFrom(types[value.name])
        for declared, dim in zip(value.type.tensor_type.shape.dim, dims, strict=True):
            if isinstance(dim, int):
                declared.dim_value = dim
