"""Exports a scikit-learn estimator as ONNX, canonically, and proves that the graph computes what the estimator does.

The conversion is skl2onnx's (https://onnx.ai/sklearn-onnx/).
"""

from __future__ import annotations

import json
import logging
import warnings
from typing import Any

import numpy as np
import onnx
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType
from sklearn.base import is_classifier

from lepton_plugin_sklearn.config import ExportConfig
from lepton_plugin_sklearn.estimator import MODEL_FILE, Fitted, fitted
from lepton_plugin_sklearn.importer import TRUST_FILE
from lepton_plugin_sklearn.skops_file import load
from lepton_rules.plugin import ExportContext, LeptonError, ModelFacts, TensorSpec, onnx_canonical
from lepton_rules.plugin.onnx_agreement import WHAT, run_reference

_SEED = 20
_ML_OPSET = 3


def to_onnx(context: ExportContext) -> ModelFacts:
    """Writes the model of `context` as `model.onnx` into its output: a classifier's scores without its labels, a
    prediction, or features. The signature and parameters stay.

    Raises:
        LeptonError: skl2onnx cannot express the estimator, or its graph gives outputs that differ from scikit-learn's
            by more than the tolerance.
    """
    config: ExportConfig = context.config
    manifest = context.model.manifest
    (source,), (result,) = ([TensorSpec.from_json(s) for s in manifest[key]] for key in ("inputs", "outputs"))
    trusted = tuple(json.loads((context.model.path / TRUST_FILE).read_text("utf-8"))["trusted"])
    found = fitted(load(context.model.path / MODEL_FILE, trusted, "sklearn model"), "sklearn model")
    model = _export(found, source, result, config.opset)
    _put_in_order(model, found, source)
    for samples in (2, 5):
        _check_outputs(model, found, source, samples, config.tolerance)
    onnx_canonical.save(model, context.output)
    return ModelFacts.from_manifest(manifest, {"opset": config.opset})


def _export(found: Fitted, source: TensorSpec, result: TensorSpec, opset: int) -> onnx.ModelProto:
    model = _convert(found, source.name, opset)
    graph = model.graph
    # A classifier's first output is the label: it follows from the scores, and may be text.
    kept = graph.output[-1]
    _keep_only(graph, kept.name)
    _rename(graph, kept.name, result.name)
    for values, spec in ((graph.input, source), (graph.output, result)):
        value = onnx.helper.make_tensor_value_info(spec.name, onnx.TensorProto.FLOAT, list(spec.shape))
        del values[:]
        values.append(value)
    del graph.value_info[:]
    # skl2onnx declares the least version that has its operators; all of them mean the same in the one asked for.
    used = {node.domain for node in graph.node}
    versions = {entry.domain: entry.version for entry in model.opset_import if entry.domain in used} | {"": opset}
    del model.opset_import[:]
    for domain, version in sorted(versions.items()):
        model.opset_import.add(domain=domain, version=version)
    return model


def _convert(found: Fitted, name: str, opset: int) -> onnx.ModelProto:
    """What skl2onnx makes of an estimator. A classifier gives an array of scores, not a list of dictionaries."""
    choices: list[dict[str, bool] | None] = [None]
    if found.kind == "scores" and is_classifier(found.estimator):
        # Which of them a converter has differs.
        choices = [{"zipmap": False}]
        if not hasattr(found.estimator, "predict_proba"):
            choices = [{"zipmap": False, "raw_scores": True}, {"raw_scores": True}, *choices]
    logging.getLogger("skl2onnx").setLevel(logging.ERROR)
    failure: Exception | None = None
    for choice in choices:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model: onnx.ModelProto = convert_sklearn(
                    found.estimator,
                    name="model",
                    initial_types=[(name, FloatTensorType([None, found.features]))],
                    options=None if choice is None else {id(found.estimator): choice},
                    target_opset={"": opset, "ai.onnx.ml": _ML_OPSET},
                )
            return model
        except Exception as error:  # skl2onnx raises whatever its parts raise
            failure = failure if failure is not None and not isinstance(failure, NameError) else error
            if not isinstance(error, NameError):
                break
    lines = str(failure).strip().splitlines() or [""]
    raise LeptonError(
        WHAT,
        f"skl2onnx cannot express the estimator ({type(failure).__name__}: {lines[0][:200]})",
        "Use estimators that it has a converter for",
    ) from failure


def _keep_only(graph: onnx.GraphProto, output: str) -> None:
    """Removes what `output` does not need."""
    needed = {output}
    kept = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(_reads(node))
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in reversed(kept)]
    del graph.node[:]
    graph.node.extend(copies)
    constants = [tensor for tensor in graph.initializer if tensor.name in needed]
    weights = [onnx.TensorProto.FromString(tensor.SerializeToString()) for tensor in constants]
    del graph.initializer[:]
    graph.initializer.extend(weights)


def _reads(node: onnx.NodeProto) -> set[str]:
    """The tensors that a node reads, those that its subgraphs take from outside among them."""
    found = set(node.input)
    for attribute in node.attribute:
        for inner in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
            for part in inner.node:
                found |= _reads(part)
    return found


def _rename(graph: onnx.GraphProto, old: str, new: str) -> None:
    for node in graph.node:
        for field in (node.input, node.output):
            for index, name in enumerate(field):
                if name in (old, new):
                    field[index] = new if name == old else f"{new}_"
    for value in (*graph.output, *graph.initializer):
        if value.name == old:
            value.name = new


def _put_in_order(model: onnx.ModelProto, found: Fitted, source: TensorSpec) -> None:
    """skl2onnx gives the two scores of a support vector machine in the reverse of the classes' order: turns them."""
    if found.columns != 2 or hasattr(found.estimator, "predict_proba") or found.kind != "scores":
        return
    wanted, result = _both(model, found, source, 8)
    if result.shape != wanted.shape or np.abs(result - wanted).max() <= np.abs(result[:, ::-1] - wanted).max():
        return
    graph = model.graph
    name = graph.output[0].name
    order = onnx.numpy_helper.from_array(np.array([1, 0], np.int64), f"{name}_order")
    for node in graph.node:
        for index, output in enumerate(node.output):
            if output == name:
                node.output[index] = f"{name}_reversed"
    graph.initializer.append(order)
    graph.node.append(
        onnx.helper.make_node("Gather", [f"{name}_reversed", order.name], [name], f"{name}_turned", axis=1)
    )


def _check_outputs(model: onnx.ModelProto, found: Fitted, source: TensorSpec, samples: int, tolerance: float) -> None:
    wanted, result = _both(model, found, source, samples)
    if result.dtype != wanted.dtype or result.size != wanted.size or result.shape[0] != samples:
        raise LeptonError(
            WHAT,
            f"the graph gives {result.dtype}{list(result.shape)}, scikit-learn {wanted.dtype}{list(wanted.shape)}",
            "Report it to skl2onnx",
        )
    difference = np.abs(result.reshape(wanted.shape).astype(np.float64) - wanted).max()
    scale = max(1.0, float(np.abs(wanted).max()))
    if not difference <= tolerance * scale:
        raise LeptonError(
            WHAT,
            f"the output differs from scikit-learn's by {difference:.3g}, accepted is {tolerance * scale:.3g}",
            "Allow a greater tolerance, or use estimators that compute in single precision",
        )


def _both(model: onnx.ModelProto, found: Fitted, source: TensorSpec, samples: int) -> tuple[Any, Any]:
    """What scikit-learn gives, and what ONNX's reference implementation does, which shares no code with it."""
    array = np.random.default_rng(_SEED + samples).standard_normal((samples, found.features)).astype(np.float32)
    outputs = [value.name for value in model.graph.output]
    return found.call(array), run_reference(model, {source.name: array}, outputs, "skl2onnx")[0]
