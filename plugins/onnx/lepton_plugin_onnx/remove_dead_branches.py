"""Removes what no output needs: unread nodes, branches that a constant condition never takes, and what does nothing
at inference (Dropout, Identity).

Semantics of the operators: https://onnx.ai/onnx/operators (If, Dropout, Identity).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lepton_plugin_onnx.files import read_model
from lepton_plugin_onnx.finish import finish
from lepton_plugin_onnx.graphs import fresh_name, names_of, nodes_of, reads_of, replace_value
from lepton_rules.plugin import LeptonError, ModelFacts, PassContext
from lepton_rules.plugin.names import suggestion

if TYPE_CHECKING:
    import onnx

    from lepton_plugin_onnx.graph_configs import RemoveDeadBranchesConfig

_WHAT = "pass onnx.remove_dead_branches"


def remove_dead_branches(context: PassContext) -> ModelFacts:
    """Writes the model without what is dead. LeptonError where `outputs` names what is no output."""
    config: RemoveDeadBranchesConfig = context.config
    model = read_model(context.model.path)
    dropped = _keep_outputs(model.graph, config.outputs)
    nodes_before = sum(1 for _ in nodes_of(model.graph))
    branches: list[str] = []
    while _inline_one(model.graph, branches):
        pass
    idle = _remove_idle(model.graph)
    unread = _remove_unread(model.graph)
    used = {name for node in model.graph.node for name in reads_of(node)} | {v.name for v in model.graph.output}
    notes = {
        "branches": branches,
        "idle": idle,
        "unread": unread,
        "outputs_removed": dropped,
        "unread_inputs": [value.name for value in model.graph.input if value.name not in used],
        "nodes_before": nodes_before,
        "nodes_after": sum(1 for _ in nodes_of(model.graph)),
    }
    return finish(model, context.output, notes)


def _keep_outputs(graph: onnx.GraphProto, wanted: tuple[str, ...]) -> list[str]:
    """Takes the other outputs away and returns their names."""
    known = [value.name for value in graph.output]
    for name in wanted:
        if name not in known:
            raise LeptonError(_WHAT, f"outputs names {name!r}, which is no output", suggestion(name, known))
    if not wanted:
        return []
    for index, name in reversed(list(enumerate(known))):
        if name not in wanted:
            del graph.output[index]
    return [name for name in known if name not in wanted]


def _constants(graph: onnx.GraphProto) -> Mapping[str, onnx.TensorProto]:
    return {tensor.name: tensor for tensor in graph.initializer}


def _inline_one(graph: onnx.GraphProto, done: list[str]) -> bool:
    """Puts the taken branch of the first If with a constant condition in its place."""
    from onnx import numpy_helper

    constants = _constants(graph)
    for index, node in enumerate(graph.node):
        if node.op_type != "If" or node.domain or node.input[0] not in constants:
            continue
        taken = bool(numpy_helper.to_array(constants[node.input[0]]).reshape(-1)[0])
        branches = {attribute.name: attribute.g for attribute in node.attribute}
        branch = type(graph)()
        branch.CopyFrom(branches["then_branch" if taken else "else_branch"])
        outputs = list(node.output)
        name = node.name
        del graph.node[index]
        _splice(graph, index, branch, outputs, name)
        done.append(name)
        return True
    return False


def _splice(graph: onnx.GraphProto, index: int, branch: onnx.GraphProto, outputs: list[str], prefix: str) -> None:
    """Inserts a branch's nodes before `index`, its inner names made new, its results named as the If's outputs."""
    from onnx import helper

    taken = names_of(graph) | set(outputs) | names_of(branch)
    own = [name for node in branch.node for name in node.output if name] + [t.name for t in branch.initializer]
    for old in own:
        new = fresh_name(f"{prefix}_{old}", taken)
        replace_value(branch, old, new)
        for value in branch.output:
            if value.name == old:
                value.name = new
        for node in branch.node:
            for place, name in enumerate(node.output):
                if name == old:
                    node.output[place] = new
        for tensor in branch.initializer:
            if tensor.name == old:
                tensor.name = new
    nodes = list(branch.node)
    for inner in nodes:
        inner.name = f"{prefix}_{inner.name}"
    # Two results of a branch may be one value: each output gets its own name by an Identity, removed where it can be.
    nodes += [
        helper.make_node("Identity", [value.name], [output], f"{prefix}_output_{place}")
        for place, (value, output) in enumerate(zip(branch.output, outputs, strict=True))
        if output
    ]
    for offset, inner in enumerate(nodes):
        graph.node.insert(index + offset, inner)
    graph.initializer.extend(branch.initializer)


def _remove_idle(graph: onnx.GraphProto) -> list[str]:
    """Takes out Identity and Dropout at inference, as far as no name of the signature is lost; returns their names."""
    from onnx import numpy_helper

    removed = []
    signature = {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
    outputs = {value.name for value in graph.output}
    for node in list(graph.node):
        idle = node.op_type == "Identity" and not node.domain
        if node.op_type == "Dropout" and not node.domain:
            training = node.input[2] if len(node.input) > 2 else ""
            constant = _constants(graph).get(training)
            off = constant is not None and not numpy_helper.to_array(constant).any()
            mask_read = len(node.output) > 1 and (
                node.output[1] in outputs or any(node.output[1] in reads_of(other) for other in graph.node)
            )
            idle = (not training or off) and not mask_read
        if not idle:
            continue
        source, result = node.input[0], node.output[0]
        if result not in outputs:
            graph.node.remove(node)
            replace_value(graph, result, source)
        elif source not in outputs and source not in signature and _made_here(graph, source):
            graph.node.remove(node)
            replace_value(graph, source, result)
            for other in graph.node:
                for place, name in enumerate(other.output):
                    if name == source:
                        other.output[place] = result
        else:
            continue
        removed.append(node.name)
    return removed


def _made_here(graph: onnx.GraphProto, name: str) -> bool:
    return any(name in node.output for node in graph.node)


def _remove_unread(graph: onnx.GraphProto) -> list[str]:
    """Takes out nodes of the main graph that no output needs; returns their names."""
    needed = {value.name for value in graph.output}
    removed = []
    for node in reversed(list(graph.node)):
        if needed.intersection(node.output):
            needed |= reads_of(node)
        else:
            removed.append(node.name)
            graph.node.remove(node)
    return removed[::-1]
