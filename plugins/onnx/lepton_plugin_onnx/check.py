"""Checks a model and leaves it as it is."""

from __future__ import annotations

from lepton_plugin_onnx.canonical import tidy
from lepton_plugin_onnx.files import read_model
from lepton_plugin_onnx.importer import verify
from lepton_plugin_onnx.structure import check_structure
from lepton_rules.plugin import ModelFacts, PassContext
from lepton_rules.plugin.onnx_canonical import save


def check(context: PassContext) -> ModelFacts:
    """LeptonError unless the model keeps the rules of ONNX, onnx's checker passes it, and onnxruntime loads it on the
    CPU."""
    model = read_model(context.model.path)
    check_structure(model, "the model")
    tidy(model)
    save(model, context.output)
    return verify(context.output, "the model")
