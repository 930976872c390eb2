"""Brings a model into its one form, so that equal models are equal bytes.

`lepton_rules.plugin.onnx_canonical` spells what is there in one way. This adds what a pass or a converter leaves
behind: nodes stand in topological order (the given order wherever it is one) and have names, constants are
initializers, and what nothing uses is gone: initializers, value infos, operator sets, training graphs, device
placement, unknown fields.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any

from lepton_plugin_onnx.graphs import domain_of, nodes_of, reads_of, subgraphs_of
from lepton_rules.plugin import LeptonError

if TYPE_CHECKING:
    import onnx

# The attributes of Constant that hold numbers, with their numpy types ("value" has its own).
_CONSTANTS = {
    "value": "",
    "value_float": "float32",
    "value_floats": "float32",
    "value_int": "int64",
    "value_ints": "int64",
}
_FIRST_IR_WITH_CONSTANTS = 4  # before it every initializer is also an input


def tidy(model: onnx.ModelProto) -> None:
    """Sorts, names and removes what nothing uses, in place. LeptonError where the graph has a cycle.

    An input that has an initializer (a default value) becomes a constant.
    """
    model.DiscardUnknownFields()
    del model.training_info[:]
    del model.configuration[:]
    model.ir_version = max(model.ir_version, _FIRST_IR_WITH_CONSTANTS)
    constants = {tensor.name for tensor in model.graph.initializer}
    _keep(model.graph.input, [value for value in model.graph.input if value.name not in constants])
    _tidy_graph(model.graph)
    used = {node.domain for node in nodes_of(model.graph)} | {""}
    used.update(domain_of(node.domain) for function in model.functions for node in function.node)
    versions = {domain_of(entry.domain): entry.version for entry in model.opset_import}
    del model.opset_import[:]
    for domain in sorted(used & set(versions)):
        model.opset_import.add(domain=domain, version=versions[domain])


def _tidy_graph(graph: onnx.GraphProto) -> None:
    _lift_constants(graph)
    for node in graph.node:
        node.domain = domain_of(node.domain)
        del node.device_configurations[:]
        for subgraph in subgraphs_of(node):
            _tidy_graph(subgraph)
    _sort_nodes(graph)
    _name_nodes(graph)
    used = {value.name for value in graph.output}
    used.update(name for node in graph.node for name in reads_of(node))
    _keep(graph.initializer, [tensor for tensor in graph.initializer if tensor.name in used])
    made = {name for node in graph.node for name in node.output}
    made.difference_update(value.name for value in [*graph.input, *graph.output])
    _keep(graph.value_info, [value for value in graph.value_info if value.name in made])


def _lift_constants(graph: onnx.GraphProto) -> None:
    """Makes initializers of Constant nodes: the quantizers and converters take a weight for one only there."""
    import numpy as np
    from onnx import helper, numpy_helper

    outputs = {value.name for value in graph.output}
    kept = []
    for node in graph.node:
        attribute = node.attribute[0] if node.op_type == "Constant" and len(node.attribute) == 1 else None
        dtype = _CONSTANTS.get(attribute.name) if attribute is not None else None
        if attribute is None or dtype is None or node.output[0] in outputs:
            kept.append(node)
        elif attribute.name == "value":
            graph.initializer.add().CopyFrom(attribute.t)
            graph.initializer[-1].name = node.output[0]
        else:
            array = np.array(helper.get_attribute_value(attribute), dtype)
            graph.initializer.append(numpy_helper.from_array(array, node.output[0]))
    _keep(graph.node, kept)


def _sort_nodes(graph: onnx.GraphProto) -> None:
    """Topological order (Kahn), the earliest node of the given order first; a graph in order stays as it is."""
    nodes = list(graph.node)
    maker = {name: index for index, node in enumerate(nodes) for name in node.output if name}
    waits = [{maker[name] for name in reads_of(node) if name in maker} for node in nodes]
    if all(max(before, default=-1) < index for index, before in enumerate(waits)):
        return
    readers: list[list[int]] = [[] for _ in nodes]
    for index, before in enumerate(waits):
        for source in before:
            readers[source].append(index)
    missing = [len(before) for before in waits]
    ready = [index for index, count in enumerate(missing) if not count]
    order: list[int] = []
    while ready:
        index = heapq.heappop(ready)
        order.append(index)
        for reader in readers[index]:
            missing[reader] -= 1
            if not missing[reader]:
                heapq.heappush(ready, reader)
    if len(order) != len(nodes):
        stuck = next(node.name or node.op_type for node, count in zip(nodes, missing, strict=True) if count)
        raise LeptonError("ONNX graph", f"node {stuck!r} is in a cycle", "Convert the model again")
    _keep(graph.node, [nodes[index] for index in order])


def _name_nodes(graph: onnx.GraphProto) -> None:
    """Names nodes that have no name after their operator and their place."""
    taken = {node.name for node in graph.node}
    for index, node in enumerate(graph.node):
        if not node.name:
            name = f"{node.op_type}_{index}"
            while name in taken:
                name += "_"
            node.name = name
            taken.add(name)


def _keep(repeated: Any, chosen: list[Any]) -> None:
    """Makes a repeated field hold `chosen`, some of its own messages, in that order."""
    wanted = {id(message) for message in chosen}
    for index in range(len(repeated) - 1, -1, -1):
        if id(repeated[index]) not in wanted:
            del repeated[index]
    if all(a is b for a, b in zip(chosen, repeated, strict=True)):
        return
    copies = []
    for message in chosen:
        copy = type(message)()
        copy.CopyFrom(message)
        copies.append(copy)
    del repeated[:]
    repeated.extend(copies)
