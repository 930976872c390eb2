"""Which nodes a pass leaves alone, by name, with the near miss where a name is wrong."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from lepton_rules.plugin import LeptonError
from lepton_rules.plugin.names import near_miss

if TYPE_CHECKING:
    import onnx


def require_nodes(model: onnx.ModelProto, names: Iterable[str], pass_name: str) -> None:
    """LeptonError unless every one of `names` is a node of the main graph."""
    known = {node.name for node in model.graph.node}
    for name in names:
        if name not in known:
            near = near_miss(name, known)
            fix = f"Did you mean {near!r}?" if near else f"Name one of its {len(known)} nodes"
            raise LeptonError(f"pass onnx.{pass_name}", f"exclude names {name!r}, which is no node of the model", fix)


def require_op_types(wanted: Iterable[str], supported: Iterable[str], pass_name: str) -> list[str]:
    """The wanted operators, sorted; all supported ones when none is named. LeptonError for one that is not
    supported."""
    known = sorted(set(supported))
    for name in wanted:
        if name not in known:
            near = near_miss(name, known)
            fix = f"Did you mean {near!r}?" if near else f"Name some of {', '.join(known)}"
            raise LeptonError(f"pass onnx.{pass_name}", f"op_types names {name!r}, which it does not quantize", fix)
    return sorted(set(wanted)) or known
