"""The layout of image inputs: channels first (NCHW) or channels last (NHWC).

A transposition at the input undoes the change for the graph behind it. Where the graph begins with a transposition of
its own that the new one would undo, as TensorFlow's exporters write it, both go.

Data for the model must have the new layout. An input whose shape reads the same in both is refused: nothing could tell
data in the wrong one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_plugin_onnx.files import read_model
from lepton_plugin_onnx.finish import finish
from lepton_plugin_onnx.graphs import fresh_name, names_of, readers_of, replace_value
from lepton_plugin_onnx.shapes import dims_of
from lepton_rules.plugin import LeptonError, ModelFacts, PassContext
from lepton_rules.plugin.names import suggestion

if TYPE_CHECKING:
    import onnx

    from lepton_plugin_onnx.graph_configs import SetInputLayoutConfig

_WHAT = "pass onnx.set_input_layout"
# Axes of the old layout in the order of the new one, and of the new one in the order of the old.
_TO = {"NHWC": ([0, 2, 3, 1], [0, 3, 1, 2]), "NCHW": ([0, 3, 1, 2], [0, 2, 3, 1])}


def set_input_layout(context: PassContext) -> ModelFacts:
    """Writes the model with its inputs in `layout`. LeptonError where a name is no input of rank 4, or a shape says
    nothing about its layout."""
    config: SetInputLayoutConfig = context.config
    model = read_model(context.model.path)
    known = {value.name: value for value in model.graph.input if len(value.type.tensor_type.shape.dim) == 4}
    for name in config.inputs:
        if name not in known:
            raise LeptonError(_WHAT, f"inputs names {name!r}, which is no input of rank 4", suggestion(name, known))
    wanted = list(config.inputs) or list(known)
    if not wanted:
        raise LeptonError(_WHAT, "the model has no input of rank 4", "Leave this pass out")
    changed = {}
    for name in wanted:
        before = dims_of(known[name].type)
        _change(model.graph, known[name], config.layout)
        changed[name] = {"before": before, "after": dims_of(known[name].type)}
    return finish(model, context.output, {"layout": config.layout, "inputs": changed})


def _change(graph: onnx.GraphProto, value: onnx.ValueInfoProto, layout: str) -> None:
    from onnx import helper

    to_new, to_old = _TO[layout]
    dims = dims_of(value.type)
    assert dims is not None
    channels, height, width = (dims[1:]) if layout == "NHWC" else (dims[3], dims[1], dims[2])
    if not isinstance(channels, int) or channels in (height, width):
        why = f"its input {value.name!r} has the shape {dims}, of which nothing tells the layout"
        raise LeptonError(_WHAT, why, "Fix its channels with onnx.fix_shapes, or leave it as it is")
    old = [type(dim).FromString(dim.SerializeToString()) for dim in value.type.tensor_type.shape.dim]
    for axis, source in enumerate(to_new):
        value.type.tensor_type.shape.dim[axis].CopyFrom(old[source])

    readers = readers_of(graph).get(value.name, [])
    undone = [node for node in readers if node.op_type == "Transpose" and _order(node) == to_new]
    if (
        readers
        and len(undone) == len(readers)
        and not {o.name for o in graph.output}.intersection(node.output[0] for node in undone)
    ):
        for node in undone:
            graph.node.remove(node)
            replace_value(graph, node.output[0], value.name)
        return
    inner = fresh_name(f"{value.name}_{'NCHW' if layout == 'NHWC' else 'NHWC'}", names_of(graph))
    replace_value(graph, value.name, inner)
    name = fresh_name(f"{value.name}_layout", {node.name for node in graph.node})
    graph.node.insert(0, helper.make_node("Transpose", [value.name], [inner], name, perm=to_old))


def _order(node: onnx.NodeProto) -> list[int]:
    return next((list(attribute.ints) for attribute in node.attribute if attribute.name == "perm"), [])
