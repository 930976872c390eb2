"""bfloat16: weights stored and computed in 8 bits of exponent and 7 of fraction, the range that of float32.

Format: D. Kalamkar et al., "A Study of BFLOAT16 for Deep Learning Training", 2019, section 2; weights are rounded to
nearest, ties to even. An operator computes in bfloat16 where its ONNX schema takes it
(https://onnx.ai/onnx/operators), convolutions and poolings from operator set 22 on; what does not stays in float32
between casts, and so do the model's inputs and outputs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lepton_plugin_onnx.constants import Constants
from lepton_plugin_onnx.files import read_model
from lepton_plugin_onnx.finish import finish
from lepton_plugin_onnx.graphs import fresh_name, names_of, subgraphs_of
from lepton_plugin_onnx.opset import opset_of, raise_opset
from lepton_plugin_onnx.quantize import refuse_quantized
from lepton_plugin_onnx.selection import require_nodes
from lepton_plugin_onnx.shapes import infer
from lepton_rules.plugin import LeptonError, ModelFacts, PassContext

if TYPE_CHECKING:
    import onnx

    from lepton_plugin_onnx.configs import ToBf16Config

_WHAT = "pass onnx.to_bf16"
_WIDE_OPSET = 22
# Operators whose output type is an attribute, and that keep it.
_TYPED = frozenset({"Bernoulli", "EyeLike", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform"})


def to_bf16(context: PassContext) -> ModelFacts:
    """Writes the model in bfloat16. LeptonError where a name is unknown, a weight is out of range, a node holds a
    graph, or nothing can be converted."""
    config: ToBf16Config = context.config
    model = read_model(context.model.path)
    refuse_quantized(model, _WHAT)
    require_nodes(model, config.exclude, "to_bf16")
    for node in model.graph.node:
        if any(subgraphs_of(node)):
            why = f"node {node.name!r} ({node.op_type}) holds a graph of its own"
            raise LeptonError(_WHAT, why, "Put onnx.remove_dead_branches before this pass, or leave it out")
    wanted = [node for node in model.graph.node if node.name not in config.exclude]
    opset = opset_of(model)
    if opset < _WIDE_OPSET and any(not _takes_bf16(n, opset) and _takes_bf16(n, _WIDE_OPSET) for n in wanted):
        raise_opset(model, _WIDE_OPSET, _WHAT)
    converter = _Converter(model)
    for node in list(model.graph.node):
        why = "it is excluded" if node.name in config.exclude else converter.why_not(node)
        converter.convert(node, why)
    converter.finish()
    if not converter.converted:
        raise LeptonError(
            _WHAT, "no node of the model computes in float32 and could in bfloat16", "Leave this pass out"
        )
    notes = {"converted": converter.converted, "left": converter.left, "casts": converter.casts}
    return finish(model, context.output, notes)


def _takes_bf16(node: onnx.NodeProto, opset: int) -> bool:
    """Whether every type variable of the operator that takes float32 takes bfloat16 too."""
    import onnx

    if node.domain or node.op_type in _TYPED:
        return False
    try:
        schema = onnx.defs.get_schema(node.op_type, opset, "")
    except onnx.defs.SchemaError:
        return False
    allowed = {constraint.type_param_str: constraint.allowed_type_strs for constraint in schema.type_constraints}
    for formal in [*schema.inputs, *schema.outputs]:
        types = allowed.get(formal.type_str, [formal.type_str])
        if "tensor(float)" in types and "tensor(bfloat16)" not in types:
            return False
    return True


class _Converter:
    """Rewrites one node after another in graph order; every value stays in the type that its maker computes in."""

    def __init__(self, model: onnx.ModelProto) -> None:
        from onnx import TensorProto

        self.converted: list[str] = []
        self.left: dict[str, str] = {}
        self.casts = 0
        self._graph = model.graph
        self._opset = opset_of(model)
        types = infer(model)
        self._floats = {name for name, t in types.items() if t.tensor_type.elem_type == TensorProto.FLOAT}
        self._constants = Constants(model.graph)
        self._taken = names_of(model.graph)
        self._bf16: set[str] = set()
        self._cast: dict[tuple[str, int], str] = {}
        self._nodes: list[onnx.NodeProto] = []
        self._outputs = {value.name for value in model.graph.output}
        self._renamed: dict[str, str] = {}
        del model.graph.value_info[:]

    def why_not(self, node: onnx.NodeProto) -> str:
        """Why a node stays in float32; nothing where it computes in bfloat16."""
        return "" if _takes_bf16(node, self._opset) else f"{node.op_type} takes no bfloat16"

    def convert(self, node: onnx.NodeProto, why_not: str) -> None:
        """Moves the node over, between casts as it needs them."""
        from onnx import TensorProto

        floats = [name for name in [*node.input, *node.output] if name in self._floats]
        kind = TensorProto.FLOAT if why_not or not floats else TensorProto.BFLOAT16
        new = type(node)()
        new.CopyFrom(node)
        for place, name in enumerate(node.input):
            name = self._renamed.get(name, name)
            if name in self._floats:
                new.input[place] = self._as(name, kind, node, place)
        if floats and why_not:
            self.left[node.name] = why_not
        if kind == TensorProto.BFLOAT16:
            self.converted.append(node.name)
            self._retype(new)
            for place, name in enumerate(node.output):
                if name in self._floats and name in self._outputs:
                    inner = fresh_name(f"{name}_bf16", self._taken)
                    new.output[place] = self._renamed[name] = inner
                    self._floats.add(inner)
                    self._bf16.add(inner)
                elif name in self._floats:
                    self._bf16.add(name)
        self._nodes.append(new)

    def finish(self) -> None:
        """Puts the nodes in place and casts the outputs back."""
        from onnx import TensorProto, helper

        for value in self._graph.output:
            if value.name in self._renamed:
                source = self._renamed[value.name]
                name = fresh_name(f"{value.name}_cast", self._taken)
                self._nodes.append(helper.make_node("Cast", [source], [value.name], name, to=TensorProto.FLOAT))
                self.casts += 1
        del self._graph.node[:]
        self._graph.node.extend(self._nodes)

    def _retype(self, node: onnx.NodeProto) -> None:
        """float32 as an operator's attribute becomes bfloat16."""
        from onnx import TensorProto, numpy_helper

        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == TensorProto.FLOAT:
                attribute.i = TensorProto.BFLOAT16
            if attribute.HasField("t") and attribute.t.data_type == TensorProto.FLOAT:
                attribute.t.CopyFrom(numpy_helper.from_array(_rounded(numpy_helper.to_array(attribute.t), node.name)))

    def _as(self, name: str, kind: int, node: onnx.NodeProto, place: int) -> str:
        """The value in a type: itself, a converted constant, or a cast."""
        from onnx import TensorProto, helper

        if name in self._constants:
            if kind == TensorProto.FLOAT:
                return name
            if (name, kind) not in self._cast:
                values = _rounded(self._constants.values(name), name)
                self._cast[name, kind] = self._constants.add(f"{name}_bf16", values)
            self._constants.redirect(node, place, self._cast[name, kind])
            return self._cast[name, kind]
        if (name in self._bf16) == (kind == TensorProto.BFLOAT16):
            return name
        if (name, kind) not in self._cast:
            suffix = "bf16" if kind == TensorProto.BFLOAT16 else "float"
            result = fresh_name(f"{name}_{suffix}", self._taken)
            self._nodes.append(helper.make_node("Cast", [name], [result], f"{result}_cast", to=kind))
            self._cast[name, kind] = result
            self.casts += 1
        return self._cast[name, kind]


def _rounded(values: Any, name: str) -> Any:
    """The values in bfloat16. LeptonError where a finite one would become infinite."""
    import ml_dtypes
    import numpy as np

    with np.errstate(over="ignore"):
        rounded = values.astype(ml_dtypes.bfloat16)
    if (np.isfinite(values) & ~np.isfinite(rounded)).any():
        largest = float(np.abs(values[np.isfinite(values)]).max())
        why = f"the weight {name!r} holds {largest:g}, beyond the largest bfloat16"
        raise LeptonError(_WHAT, why, "Exclude what reads it")
    return rounded
