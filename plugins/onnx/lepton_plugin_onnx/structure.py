"""The rules that a graph must keep, checked on the parsed file before any native code reads it.

https://onnx.ai/onnx/repo-docs/IR.html: single assignment, nodes in topological order, names, operator sets.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from lepton_plugin_onnx.tensors import MAX_RANK, check_tensor
from lepton_rules.plugin import LeptonError

if TYPE_CHECKING:
    import onnx

MIN_IR_VERSION = 3
MIN_OPSET = 7  # onnxruntime's oldest
MAX_INLINED_NODES = 1_000_000
_RUNTIME_DOMAINS = frozenset({"com.microsoft"})  # onnxruntime's own operators, which onnx has no schemas for
_CONVERT = "Convert the model again with a released converter"


def check_structure(model: onnx.ModelProto, what: str) -> None:
    """LeptonError, about `what`, unless the model keeps the rules: see the module."""
    if not model.HasField("graph") or not model.graph.node:
        raise LeptonError(what, "it is no ONNX model: it has no graph with a node", "Give a .onnx file")
    import onnx as library

    if not MIN_IR_VERSION <= model.ir_version <= library.IR_VERSION:
        accepted = f"{MIN_IR_VERSION} to {library.IR_VERSION} are known"
        raise LeptonError(what, f"its IR version is {model.ir_version}; {accepted}", _CONVERT)
    functions = _check_functions(model, what)
    _check_graph(model.graph, _opsets(model.opset_import, what), functions, set(), what)


def tensors_of(model: onnx.ModelProto, what: str) -> Iterator[tuple[onnx.TensorProto, str]]:
    """Every tensor with elements, of the graph, its subgraphs and the functions, each with words for messages."""
    yield from _graph_tensors(model.graph, what)
    for function in model.functions:
        yield from _attribute_tensors(function.attribute_proto, f"function {function.name!r}", what)
        for node in function.node:
            yield from _attribute_tensors(node.attribute, f"node {node.name or node.op_type!r}", what)


def _graph_tensors(graph: onnx.GraphProto, what: str) -> Iterator[tuple[onnx.TensorProto, str]]:
    for tensor in graph.initializer:
        yield tensor, f"tensor {tensor.name!r} of {what}"
    for node in graph.node:
        yield from _attribute_tensors(node.attribute, f"node {node.name or node.op_type!r}", what)


def _attribute_tensors(
    attributes: Iterable[onnx.AttributeProto], owner: str, what: str
) -> Iterator[tuple[onnx.TensorProto, str]]:
    for attribute in attributes:
        words = f"attribute {attribute.name!r} of {owner} of {what}"
        if attribute.HasField("t"):
            yield attribute.t, words
        for tensor in attribute.tensors:
            yield tensor, words
        if attribute.HasField("g"):
            yield from _graph_tensors(attribute.g, what)
        for graph in attribute.graphs:
            yield from _graph_tensors(graph, what)


def _opsets(imports: Iterable[onnx.OperatorSetIdProto], what: str) -> dict[str, int]:
    """Operator set domain to version; the default domain is ""."""
    versions: dict[str, int] = {}
    for entry in imports:
        domain = "" if entry.domain == "ai.onnx" else entry.domain
        if domain in versions:
            raise LeptonError(what, f"it imports the operator set {domain!r} twice", _CONVERT)
        versions[domain] = entry.version
    return versions


def _check_functions(model: onnx.ModelProto, what: str) -> frozenset[tuple[str, str]]:
    """The (domain, name) of the model's own functions, once none calls itself and their inlining is bounded."""
    bodies: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for function in model.functions:
        key = (function.domain, function.name)
        if key in bodies:
            raise LeptonError(what, f"it defines the function {function.name!r} twice", _CONVERT)
        bodies[key] = [(node.domain, node.op_type) for node in function.node]
        _opsets(function.opset_import, what)
        _check_attributes(function.attribute_proto, f"function {function.name!r}", what)
        for node in function.node:
            _check_attributes(node.attribute, f"node {node.name or node.op_type!r}", what)
            for attribute in node.attribute:
                if attribute.HasField("g") or attribute.graphs:
                    raise LeptonError(what, f"its function {function.name!r} has control flow", _CONVERT)
    sizes: dict[tuple[str, str], int] = {}
    pending: list[tuple[str, str]] = sorted(bodies)
    open_calls: set[tuple[str, str]] = set()
    while pending:  # depth first without recursion: the nesting is the file's choice
        key = pending[-1]
        calls = [call for call in bodies[key] if call in bodies]
        missing = [call for call in calls if call not in sizes]
        if key in sizes or not missing:
            sizes[key] = 1 + len(bodies[key]) + sum(sizes[call] for call in calls)
            if sizes[key] > MAX_INLINED_NODES:
                raise LeptonError(what, f"its function {key[1]!r} grows to over {MAX_INLINED_NODES} nodes", _CONVERT)
            open_calls.discard(key)
            pending.pop()
        elif key in open_calls:
            raise LeptonError(what, f"its function {key[1]!r} calls itself", _CONVERT)
        else:
            open_calls.add(key)
            pending.extend(missing)
    total = sum(sizes.get((node.domain, node.op_type), 1) for node in model.graph.node)
    if total > MAX_INLINED_NODES:
        raise LeptonError(what, f"its functions grow to over {MAX_INLINED_NODES} nodes", _CONVERT)
    return frozenset(bodies)


def _check_graph(
    graph: onnx.GraphProto,
    opsets: dict[str, int],
    functions: frozenset[tuple[str, str]],
    known: set[str],
    what: str,
) -> None:
    """Checks one graph. `known` are the names of the graphs around it, which it may read and may not define again.

    They are as they were when it returns: one set for the whole model, so that thousands of branches cost no copies.
    """
    if graph.sparse_initializer:
        raise LeptonError(what, "it has sparse initializers, which are not supported", "Store its weights densely")
    own: list[str] = []
    inputs = {value.name for value in graph.input}
    for value in [*graph.input, *graph.output, *graph.value_info]:
        _check_value(value, what)
    for names in (graph.input, graph.output, graph.value_info):
        _refuse_twice([value.name for value in names], what)
    _refuse_twice([tensor.name for tensor in graph.initializer], what)
    _refuse_twice([node.name for node in graph.node if node.name], what, kind="node")
    for value in graph.input:
        _define(value.name, known, own, what)
    for tensor in graph.initializer:
        check_tensor(tensor, f"tensor {tensor.name!r} of {what}")
        if tensor.name not in inputs:
            _define(tensor.name, known, own, what)
    made_by = {name: node for node in graph.node for name in node.output if name}
    for node in graph.node:
        words = f"node {node.name or node.op_type!r}"
        _check_operator(node, opsets, functions, words, what)
        for name in node.input:
            if name and name not in known:
                raise _unordered(node, name, made_by, what)
        _check_attributes(node.attribute, words, what)
        for attribute in node.attribute:
            for subgraph in [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]:
                _check_graph(subgraph, opsets, functions, known, what)
        for name in node.output:
            if name:
                _define(name, known, own, what)
    for value in graph.output:
        if value.name not in known:
            raise LeptonError(what, f"nothing makes its output {value.name!r}", _CONVERT)
    known.difference_update(own)


def _check_attributes(attributes: Iterable[onnx.AttributeProto], owner: str, what: str) -> None:
    attributes = list(attributes)
    _refuse_twice([attribute.name for attribute in attributes], f"{owner} of {what}", kind="attribute")
    for attribute in attributes:
        words = f"attribute {attribute.name!r} of {owner} of {what}"
        if attribute.HasField("sparse_tensor") or attribute.sparse_tensors:
            raise LeptonError(words, "it is a sparse tensor, which is not supported", _CONVERT)
        for tensor in [*([attribute.t] if attribute.HasField("t") else []), *attribute.tensors]:
            check_tensor(tensor, words)


def _check_operator(
    node: onnx.NodeProto, opsets: dict[str, int], functions: frozenset[tuple[str, str]], words: str, what: str
) -> None:
    from onnx import defs

    domain = "" if node.domain == "ai.onnx" else node.domain
    if (node.domain, node.op_type) in functions:
        return
    known = {"", "ai.onnx.ml"} | _RUNTIME_DOMAINS
    if domain not in known:
        accepted = ", ".join(sorted(repr(name or "ai.onnx") for name in known))
        raise LeptonError(what, f"{words} is of the unknown domain {domain!r}; known are {accepted}", _CONVERT)
    if domain not in opsets:
        raise LeptonError(what, f"{words} is of the domain {domain or 'ai.onnx'!r}, which it does not import", _CONVERT)
    version = opsets[domain]
    if domain in _RUNTIME_DOMAINS:
        return
    newest = _newest(domain)
    oldest = MIN_OPSET if domain == "" else 1
    if not oldest <= version <= newest:
        name = domain or "ai.onnx"
        raise LeptonError(what, f"its operator set {name!r} is {version}; {oldest} to {newest} are known", _CONVERT)
    if not defs.has(node.op_type, version, domain):
        name = domain or "ai.onnx"
        raise LeptonError(what, f"{words} is a {node.op_type!r}, which {name!r} {version} has not", _CONVERT)


@functools.cache
def _newest(domain: str) -> int:
    """The newest version of an operator set that the onnx library knows."""
    from onnx import defs

    return max(schema.since_version for schema in defs.get_all_schemas_with_history() if schema.domain == domain)


def _check_value(value: onnx.ValueInfoProto, what: str) -> None:
    if value.type.HasField("tensor_type") and len(value.type.tensor_type.shape.dim) > MAX_RANK:
        rank = len(value.type.tensor_type.shape.dim)
        raise LeptonError(what, f"{value.name!r} has {rank} dimensions, at most {MAX_RANK} are accepted", _CONVERT)


def _unordered(node: onnx.NodeProto, name: str, made_by: dict[str, onnx.NodeProto], what: str) -> LeptonError:
    """The error for a node that reads what is not there yet: dangling, in a cycle, or out of order."""
    reader = node.name or node.op_type
    if name not in made_by:
        return LeptonError(what, f"node {reader!r} reads {name!r}, which nothing makes", _CONVERT)
    targets = {id(node)}
    pending, seen = [made_by[name]], set[int]()
    while pending:
        current = pending.pop()
        if id(current) in targets:
            return LeptonError(what, f"node {reader!r} waits for itself through {name!r}: a cycle", _CONVERT)
        if id(current) not in seen:
            seen.add(id(current))
            pending.extend(made_by[source] for source in current.input if source in made_by)
    return LeptonError(what, f"node {reader!r} comes before what makes its input {name!r}", "Sort its nodes")


def _define(name: str, known: set[str], own: list[str], what: str) -> None:
    if not name:
        raise LeptonError(what, "it has a value without a name", _CONVERT)
    if name in known:
        raise LeptonError(what, f"two things make the value {name!r}", _CONVERT)
    known.add(name)
    own.append(name)


def _refuse_twice(names: list[str], what: str, kind: str = "value") -> None:
    if len(set(names)) != len(names):
        counts = Counter(names)
        name = next(name for name in names if counts[name] > 1)
        raise LeptonError(what, f"two of its {kind}s are named {name!r}", _CONVERT)
