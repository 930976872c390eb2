"""ONNX with one spelling: equal models give equal bytes, and no trace of who exported them, where and when.

Exporters write producer names, stack traces with the paths of the machine, and initializers in the order of a hash
table. Every part of lepton_rules that writes ONNX writes it through `save`, in the layout of a model on disk:
`model.onnx`, with the weights inside while they are under 1 GiB and in the one file `model.onnx.data` from there on
(protobuf ends at 2 GiB).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_rules.plugin.errors import LeptonError

if TYPE_CHECKING:
    import onnx

MODEL_FILE = "model.onnx"
DATA_FILE = "model.onnx.data"

INLINE_LIMIT = 1 << 30  # bytes of initializers
_ALIGNMENT = 4096  # of a tensor in the data file, so that it can be mapped; the ONNX specification's advice
_SMALL = 1024  # bytes; smaller initializers stay in model.onnx, where shape inference reads them


def canonicalise(model: onnx.ModelProto) -> None:
    """Brings `model` into its one spelling, in place.

    Goes: producer, domain, model version, doc strings, metadata. Sorted by name: initializers, value infos, attributes,
    functions, opsets. Initializers hold raw bytes. Nodes keep their order and all names stay.
    """
    for field in ("producer_name", "producer_version", "domain", "model_version", "doc_string", "metadata_props"):
        model.ClearField(field)
    _sort(model.opset_import, lambda opset: opset.domain)
    _sort(model.functions, lambda function: (function.domain, function.name, getattr(function, "overload", "")))
    model.graph.name = "model"
    _graph(model.graph)
    for function in model.functions:
        function.ClearField("doc_string")
        function.ClearField("metadata_props")
        _sort(function.opset_import, lambda opset: opset.domain)
        _values(function.value_info)
        _nodes(function.node)


def save(model: onnx.ModelProto, directory: Path) -> None:
    """Writes `model`, whose tensors are all in memory, canonically into `directory`. Changes `model`.

    Raises:
        LeptonError: it is too large for protobuf even without its weights.
    """
    canonicalise(model)
    if sum(len(tensor.raw_data) for tensor in model.graph.initializer) >= INLINE_LIMIT:
        _move_weights_out(model, directory / DATA_FILE)
    try:
        data = model.SerializeToString(deterministic=True)
    except Exception as error:  # protobuf's backends raise different classes
        raise LeptonError(
            "ONNX model", f"protobuf cannot write it ({error})", "Make constants that are inside subgraphs initializers"
        ) from error
    (directory / MODEL_FILE).write_bytes(data)


def _sort(repeated: Any, key: Any) -> None:
    """Sorts a repeated field; protobuf's own `sort` keeps the order of equal keys."""
    repeated.sort(key=key)


def _graph(graph: onnx.GraphProto) -> None:
    graph.ClearField("doc_string")
    graph.ClearField("metadata_props")
    for values in (graph.input, graph.output):
        for value in values:
            _value(value)
    _values(graph.value_info)
    for tensor in graph.initializer:
        _tensor(tensor)
    _sort(graph.initializer, lambda tensor: tensor.name)
    for sparse in graph.sparse_initializer:
        _tensor(sparse.values)
        _tensor(sparse.indices)
    _sort(graph.sparse_initializer, lambda sparse: sparse.values.name)
    for annotation in graph.quantization_annotation:
        _sort(annotation.quant_parameter_tensor_names, lambda entry: entry.key)
    _sort(graph.quantization_annotation, lambda annotation: annotation.tensor_name)
    _nodes(graph.node)


def _nodes(nodes: Any) -> None:
    for node in nodes:
        node.ClearField("doc_string")
        node.ClearField("metadata_props")
        _sort(node.attribute, lambda attribute: attribute.name)
        for attribute in node.attribute:
            attribute.ClearField("doc_string")
            if attribute.HasField("t"):
                _tensor(attribute.t)
            for tensor in attribute.tensors:
                _tensor(tensor)
            for subgraph in _subgraphs(attribute):
                _graph(subgraph)


def _subgraphs(attribute: onnx.AttributeProto) -> Iterator[onnx.GraphProto]:
    if attribute.HasField("g"):
        yield attribute.g
    yield from attribute.graphs


def _values(values: Any) -> None:
    for value in values:
        _value(value)
    _sort(values, lambda value: value.name)


def _value(value: onnx.ValueInfoProto) -> None:
    value.ClearField("doc_string")
    value.ClearField("metadata_props")


def _tensor(tensor: onnx.TensorProto) -> None:
    import onnx.numpy_helper  # not at module level: the SDK imports no onnx

    tensor.ClearField("doc_string")
    tensor.ClearField("metadata_props")
    if tensor.HasField("raw_data") or tensor.data_type == onnx.TensorProto.STRING:
        return
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        raise LeptonError(f"ONNX tensor {tensor.name!r}", "its data are in another file", "Load them before you save")
    tensor.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(tensor), tensor.name))


def _move_weights_out(model: onnx.ModelProto, path: Path) -> None:
    """Writes every initializer that is not small to `path`, in the order of their names, and leaves references."""
    import onnx

    with path.open("wb") as file:
        for tensor in model.graph.initializer:
            if len(tensor.raw_data) < _SMALL or not tensor.HasField("raw_data"):
                continue
            file.write(bytes(-file.tell() % _ALIGNMENT))
            entries = {"location": path.name, "offset": file.tell(), "length": len(tensor.raw_data)}
            file.write(tensor.raw_data)
            tensor.ClearField("raw_data")
            tensor.data_location = onnx.TensorProto.EXTERNAL
            for key, value in entries.items():
                tensor.external_data.add(key=key, value=str(value))
