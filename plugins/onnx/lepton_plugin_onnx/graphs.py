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


def fresh_name(base: str, taken: set[str]) -> str:
    """`base`, or `base` with the least number that makes it new; it is taken from then on."""
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}_{number}"
    taken.add(name)
    return name


def names_of(graph: onnx.GraphProto) -> set[str]:
    """Every name of a value in a graph and in its subgraphs."""
    names = {value.name for value in [*graph.input, *graph.output]} | {tensor.name for tensor in graph.initializer}
    for node in graph.node:
        names.update(node.output)
        for subgraph in subgraphs_of(node):
            names |= names_of(subgraph)
    return names


def readers_of(graph: onnx.GraphProto) -> dict[str, list[onnx.NodeProto]]:
    """Value to the nodes of this graph that read it, subgraphs' reads counted for the node that holds them."""
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in sorted(reads_of(node)):
            readers.setdefault(name, []).append(node)
    return readers


def replace_value(graph: onnx.GraphProto, old: str, new: str) -> None:
    """Makes every reader of `old`, in subgraphs too, read `new`. A subgraph that defines `old` itself is left alone."""
    for node in graph.node:
        for index, name in enumerate(node.input):
            if name == old:
                node.input[index] = new
        for subgraph in subgraphs_of(node):
            own = {value.name for value in subgraph.input} | {tensor.name for tensor in subgraph.initializer}
            own.update(name for inner in subgraph.node for name in inner.output)
            if old not in own:
                replace_value(subgraph, old, new)
                for value in subgraph.output:
                    if value.name == old:
                        value.name = new
