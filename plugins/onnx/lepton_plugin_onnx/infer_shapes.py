"""Writes what shape inference finds into the model, for passes and compilers that want it."""

from __future__ import annotations

from lepton_plugin_onnx.files import read_model
from lepton_plugin_onnx.finish import finish
from lepton_plugin_onnx.shapes import infer
from lepton_rules.plugin import ModelFacts, PassContext


def infer_shapes(context: PassContext) -> ModelFacts:
    """Adds a value_info for every tensor that nodes make and inference knows. LeptonError where shapes contradict."""
    import onnx

    model = read_model(context.model.path)
    types = infer(model, strict=True)
    made = [name for node in model.graph.node for name in node.output if name]
    outputs = {value.name for value in model.graph.output}
    known = [name for name in made if name in types and name not in outputs]
    del model.graph.value_info[:]
    model.graph.value_info.extend(onnx.ValueInfoProto(name=name, type=types[name]) for name in known)
    return finish(model, context.output, {"inferred": len(known), "unknown": len([n for n in made if n not in types])})
