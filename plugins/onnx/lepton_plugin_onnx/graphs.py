"""Walks over graphs: nodes, subgraphs, and what a node really reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx


def subgraphs_of(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    """The graphs that a node holds: branches and loop bodies."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def nodes_of(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Every node of a graph and of its subgraphs, outermost first."""
    for node in graph.node:
        yield node
        for subgraph in subgraphs_of(node):
            yield from nodes_of(subgraph)


def reads_of(node: onnx.NodeProto) -> set[str]:
    """The names that a node needs from its own graph: its inputs, and what its subgraphs read from outside."""
    names = {name for name in node.input if name}
    for subgraph in subgraphs_of(node):
        inside = {value.name for value in subgraph.input} | {tensor.name for tensor in subgraph.initializer}
        inside.update(name for inner in subgraph.node for name in inner.output)
        wanted = {value.name for value in subgraph.output}
        wanted.update(name for inner in subgraph.node for name in reads_of(inner))
        names |= wanted - inside
    return names


def domain_of(domain: str) -> str:
    """An operator set's domain in its one spelling: the default domain is empty."""
    return "" if domain == "ai.onnx" else domain
