"""Raises a model's operator set, with onnx's version converter, on the graph without its weights: it copies them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_plugin_onnx.shapes import skeleton_of
from lepton_rules.plugin import LeptonError

if TYPE_CHECKING:
    import onnx


def opset_of(model: onnx.ModelProto) -> int:
    """The version of the standard operators."""
    return next((int(entry.version) for entry in model.opset_import if entry.domain == ""), 0)


def raise_opset(model: onnx.ModelProto, version: int, what: str) -> None:
    """Brings the model to operator set `version` where it is older, in place. LeptonError where that cannot be done."""
    from onnx import version_converter

    current = opset_of(model)
    if current >= version:
        return
    try:
        converted = version_converter.convert_version(skeleton_of(model), version)
    except Exception as error:  # the C++ code raises several classes
        why = f"the model's operator set {current} cannot be raised to {version} ({' '.join(str(error).split())[:300]})"
        raise LeptonError(what, why, f"Export the model with operator set {version} or newer") from None
    for name in ("node", "value_info"):
        mine, new = getattr(model.graph, name), getattr(converted.graph, name)
        del mine[:]
        mine.extend(new)
    others = [entry for entry in model.opset_import if entry.domain not in {e.domain for e in converted.opset_import}]
    kept = [(entry.domain, entry.version) for entry in [*converted.opset_import, *others]]
    del model.opset_import[:]
    for domain, number in kept:
        model.opset_import.add(domain=domain, version=number)
    known = {tensor.name: tensor for tensor in model.graph.initializer}
    for tensor in converted.graph.initializer:
        (known.get(tensor.name) or model.graph.initializer.add()).CopyFrom(tensor)
