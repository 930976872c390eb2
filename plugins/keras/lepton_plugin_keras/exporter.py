"""Exports a Keras model as ONNX, canonically, and proves that the graph computes what TensorFlow computes.

The conversion is tf2onnx's, from TensorFlow's own graph of the model (https://github.com/onnx/tensorflow-onnx).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import tf2onnx

from lepton_plugin_keras import network, running
from lepton_plugin_keras.config import ExportConfig
from lepton_plugin_keras.libraries import prepare, tf
from lepton_rules.plugin import ExportContext, LeptonError, ModelFacts, TensorSpec, onnx_agreement, onnx_canonical
from lepton_rules.plugin.onnx_agreement import WHAT
from lepton_rules.plugin.signature import lengths

_SEED = 20


def to_onnx(context: ExportContext) -> ModelFacts:
    """Writes the model of `context` as `model.onnx` into its output. The signature, parameters and MACs stay.

    Raises:
        LeptonError: tf2onnx cannot express the model, or its graph gives outputs that differ from TensorFlow's by more
            than the tolerance.
    """
    config: ExportConfig = context.config
    prepare(context.threads)
    manifest = context.model.manifest
    inputs, outputs = (tuple(TensorSpec.from_json(spec) for spec in manifest[key]) for key in ("inputs", "outputs"))
    with network.opened(context.model.path) as found:
        model = _export(found, inputs, outputs, config.opset)
        # Twice, with other lengths: a dimension that was taken for a constant shows in the second.
        for choice in (0, 1):
            arrays = running.samples(found.inputs, lengths(found.inputs, choice), _SEED + choice)
            expected = running.run(found, arrays)
            onnx_agreement.check_outputs(
                model,
                {spec.name: array for spec, array in zip(inputs, arrays, strict=True)},
                {spec.name: array for spec, array in zip(outputs, expected, strict=True)},
                config.tolerance,
                framework="TensorFlow",
                converter="tf2onnx",
            )
    onnx_canonical.save(model, context.output)
    return ModelFacts.from_manifest(manifest, {"opset": config.opset})


def _export(
    found: network.Network, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec], opset: int
) -> onnx.ModelProto:
    signature = []
    for index, spec in enumerate(found.inputs):
        shape = [None if isinstance(d, str) else d for d in spec.shape]
        signature.append(tf.TensorSpec(shape, tf.as_dtype(spec.dtype), f"input_{index}"))
    function = tf.function(lambda *tensors: tuple(found.call(tensors)), input_signature=signature)
    try:
        model, _ = tf2onnx.convert.from_function(
            function, input_signature=signature, opset=opset, custom_op_handlers={"Erfc": (_erfc, [])}
        )
    except Exception as error:  # tf2onnx raises whatever its parts raise
        raise LeptonError(
            WHAT,
            f"tf2onnx cannot express the model ({network.reason(error)})",
            "Use layers that have a counterpart in ONNX",
        ) from None
    graph = model.graph
    _bind(graph, function.get_concrete_function().graph.captures)
    unknown = sorted({node.op_type for node in graph.node if not onnx.defs.has(node.op_type, node.domain)})
    if unknown:
        raise LeptonError(
            WHAT, f"tf2onnx knows no counterpart of {', '.join(unknown[:5])}", "Use layers that have one in ONNX"
        )
    if len(graph.input) != len(inputs) or len(graph.output) != len(outputs):
        raise LeptonError(
            WHAT,
            f"the graph has {len(graph.input)} inputs and {len(graph.output)} outputs, the model has {len(inputs)} and "
            f"{len(outputs)}",
            "Use every input, and give no output twice",
        )
    names = {f"input_{index}": spec.name for index, spec in enumerate(inputs)}
    places = {value.name.partition(":")[0]: value for value in graph.input}
    ordered = [places[f"input_{index}"] for index in range(len(inputs))]
    _rename(
        graph,
        {value.name: names[value.name.partition(":")[0]] for value in ordered}
        | {value.name: spec.name for value, spec in zip(graph.output, outputs, strict=True)},
    )
    copies = [onnx.ValueInfoProto.FromString(value.SerializeToString()) for value in ordered]
    del graph.input[:]
    graph.input.extend(copies)
    for values, specs in ((graph.input, inputs), (graph.output, outputs)):
        for value, spec in zip(values, specs, strict=True):
            _describe(value, spec)
    used = {node.domain for node in graph.node} | {""}
    kept = {entry.domain: entry.version for entry in model.opset_import if entry.domain in used}
    del model.opset_import[:]
    for domain, version in sorted(kept.items()):
        model.opset_import.add(domain=domain, version=version)
    return model


def _bind(graph: onnx.GraphProto, captures: Sequence[tuple[Any, Any]]) -> None:
    """Makes initializers of the inputs that stand for constants which the function found outside itself."""
    values = {inner.name: outer for outer, inner in captures if outer.dtype != tf.resource}
    kept = [onnx.ValueInfoProto.FromString(v.SerializeToString()) for v in graph.input if v.name not in values]
    for value in graph.input:
        if value.name in values:
            graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(values[value.name]), value.name))
    del graph.input[:]
    graph.input.extend(kept)


def _erfc(graph: Any, node: Any, name: str, args: Sequence[Any]) -> None:
    """1 - erf(x), which tf2onnx has no operator for; Keras's exact gelu is made of it."""
    (source,), (result,) = node.input, node.output
    shape, dtype = graph.get_shape(result), graph.get_dtype(result)
    number = onnx.helper.tensor_dtype_to_np_dtype(dtype).type(1)
    one = graph.make_const(f"{name}_one", np.asarray(number))
    erf = graph.make_node("Erf", [source])
    graph.remove_node(node.name)
    graph.make_node("Sub", [one.output[0], erf.output[0]], outputs=[result], shapes=[shape], dtypes=[dtype])


def _describe(value: onnx.ValueInfoProto, spec: TensorSpec) -> None:
    dtype = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(tf.as_dtype(spec.dtype).as_numpy_dtype))
    if value.type.tensor_type.elem_type != dtype:
        raise LeptonError(WHAT, f"{spec.name!r} is not {spec.dtype} in the graph", "Report it to tf2onnx")
    value.CopyFrom(onnx.helper.make_tensor_value_info(spec.name, dtype, list(spec.shape)))


def _rename(graph: onnx.GraphProto, names: Mapping[str, str]) -> None:
    """Gives every node and tensor a name after its operator and its place: tf2onnx numbers them by what the process has
    converted before. Those in `names` get theirs."""
    found = dict(names)
    free = set(names.values())

    def name(old: str, wanted: str) -> None:
        if old and old not in found:
            while wanted in free:
                wanted += "_"
            free.add(wanted)
            found[old] = wanted

    def walk(graph: onnx.GraphProto, prefix: str) -> None:
        own = {tensor.name for tensor in graph.initializer}
        for value in graph.input:
            name(value.name, f"{prefix}input_{len(found)}")
        for index, node in enumerate(graph.node):
            node.name = f"{prefix}{node.op_type}_{index}"
            for place, tensor in enumerate(node.input):
                if tensor in own:
                    name(tensor, f"{node.name}_in{place}")
            for place, tensor in enumerate(node.output):
                name(tensor, f"{node.name}_out{place}" if place else f"{node.name}_out")
            for subgraph in _subgraphs(node):
                walk(subgraph, f"{node.name}/")

    def apply(graph: onnx.GraphProto) -> None:
        for node in graph.node:
            for field in (node.input, node.output):
                for index, old in enumerate(field):
                    field[index] = found.get(old, old)
            for subgraph in _subgraphs(node):
                apply(subgraph)
        del graph.value_info[:]
        for value in (*graph.input, *graph.output, *graph.initializer):
            value.name = found.get(value.name, value.name)

    walk(graph, "")
    apply(graph)


def _subgraphs(node: onnx.NodeProto) -> list[onnx.GraphProto]:
    return [graph for a in node.attribute for graph in (*([a.g] if a.HasField("g") else []), *a.graphs)]
