"""A model in the format `torch_export`: `program.json`, a graph of torch's own operators, and `weights.safetensors`.

torch reads an exported program with pickles, evaluates its expressions with sympy's `eval`, finds operators by walking
attributes from `torch`, and compiles its names and guards as Python. So what it is given here is only what is left once
everything that it could run has been taken out or refused:

- operators are those of `torch.ops.aten`, and arithmetic on sizes;
- every string is a plain name, but expressions of symbols, and text that an operator takes;
- metadata (stack traces, paths), guards, pickled inputs and modules are dropped;
- graphs inside graphs, custom objects and operators as arguments are refused.

The schema is torch's own, torch/_export/serde/schema.py.
"""

from __future__ import annotations

import ast
import contextlib
import json
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from lepton_plugin_torch.tensors import blobs, dtype_name
from lepton_rules.manifest import canonical_json, parse_json
from lepton_rules.plugin import LeptonError, TensorSpec, safetensors_file

PROGRAM_FILE = "program.json"
WEIGHTS_FILE = "weights.safetensors"

_NAME = re.compile(r"[A-Za-z0-9_.]*", re.ASCII)
_DUNDER = re.compile(r"__[A-Za-z0-9]+__")
_ATEN = re.compile(r"torch\.ops\.aten\.((?!__)[a-z0-9_]+)\.([A-Za-z][A-Za-z0-9_]*)", re.ASCII)
_ARITHMETIC = frozenset(
    f"_operator.{name}" for name in ("add", "sub", "mul", "floordiv", "mod", "neg", "eq", "ne", "lt", "le", "gt", "ge")
)
# Operators that reach for what is outside of the graph.
_OUTSIDE = frozenset(("from_file", "record_stream", "set_data", "requires_grad_"))
_EXPRESSION_LIMIT = 1000  # characters
_SYMBOL = re.compile(r"[su]\d{1,9}", re.ASCII)
_FUNCTIONS = frozenset(
    "Add Mul Max Min Mod FloorDiv CleanDiv PythonMod Integer Symbol Eq Ne Lt Le Gt Ge Equality Unequality "
    "StrictLessThan LessThan StrictGreaterThan GreaterThan".split()
)
_ASSUMPTIONS = frozenset(("positive", "integer", "nonnegative"))
_CONTAINERS = frozenset(("builtins.tuple", "builtins.list", "builtins.dict"))
_REFUSED_KEYS = {
    "as_graph": "a graph inside a graph",
    "as_custom_obj": "a custom object",
    "as_operator": "an operator as an argument",
    "custom_obj_values": "custom objects",
}
_DROPPED_METADATA: Mapping[str, Any] = {}
_CONSTANT = "constant."  # before the names of tensors that are no part of the module's state


class Refused(ValueError):
    """The program holds what could run, or is no program; the message says what."""


def cleaned(text: bytes) -> dict[str, Any]:
    """The program of a `models/*.json`, without what is dropped.

    Raises:
        Refused: it holds what could run, or what is unknown here.
    """
    try:
        program = json.loads(text.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Refused(f"its program is no JSON ({str(error)[:100]})") from None
    if not isinstance(program, dict) or not isinstance(program.get("graph_module"), dict):
        raise Refused("its program is none of torch.export")
    module = program["graph_module"]
    try:
        nodes = module["graph"]["nodes"]
        for node in nodes:
            node["metadata"] = dict(_DROPPED_METADATA)
            _check_operator(node["target"])
        root = [entry for entry in module["module_call_graph"] if entry["fqn"] == ""]
        for entry in root:
            for spec in ("in_spec", "out_spec"):
                _check_tree(json.loads(entry["signature"][spec]))
        trees = [(entry["signature"].pop("in_spec"), entry["signature"].pop("out_spec")) for entry in root]
        module["module_call_graph"] = root
        module["metadata"] = {}
        program["guards_code"] = []
        program["torch_version"] = ""
        _check_strings(program)
        for entry, (inputs, outputs) in zip(root, trees, strict=True):
            entry["signature"] |= {"in_spec": inputs, "out_spec": outputs}
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        if isinstance(error, Refused):
            raise
        raise Refused(f"its program is not as torch writes it ({type(error).__name__}: {str(error)[:100]})") from None
    return program


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is no number")


def _check_operator(target: object) -> None:
    if not isinstance(target, str):
        raise Refused("an operator in it has no name")
    if target in _ARITHMETIC or target == "torch.ops.aten.sym_size.int":
        return
    match = _ATEN.fullmatch(target)
    packet = getattr(torch.ops.aten, match[1], None) if match and match[1] not in _OUTSIDE else None
    operator = getattr(packet, match[2], None) if match and packet is not None else None
    if not isinstance(operator, torch._ops.OpOverload):
        raise Refused(f"it calls {target[:80]!r}, accepted are torch's own tensor operators (torch.ops.aten)")


def _check_tree(tree: object) -> None:
    """A tree of containers, [version, node], whose nodes name the containers' types."""
    if not isinstance(tree, list) or len(tree) != 2 or not isinstance(tree[1], dict):
        raise Refused("its inputs or outputs are in no known containers")
    pending = [tree[1]]
    while pending:
        node = pending.pop()
        children = node.get("children_spec")
        if not isinstance(children, list) or not all(isinstance(child, dict) for child in children):
            raise Refused("its inputs or outputs are in no known containers")
        if node.get("type") is not None and node["type"] not in _CONTAINERS:
            raise Refused(
                f"its inputs or outputs are in a {str(node['type'])[:80]!r}, accepted are tuples, lists and dicts"
            )
        if not isinstance(node.get("context"), str | None) or not set(str(node.get("context"))) <= _PLAIN:
            raise Refused("its inputs or outputs are in no known containers")
        pending += children


_PLAIN = frozenset('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_ ,."[]')


def _check_strings(value: object) -> None:
    """Walks the whole program: whatever torch turns into Python or sympy is a name, or an expression of symbols."""
    pending: list[tuple[str, object]] = [("", value)]
    while pending:
        key, found = pending.pop()
        if isinstance(found, dict):
            for name, entry in found.items():
                if name in _REFUSED_KEYS and entry not in (None, {}, []):
                    raise Refused(f"it holds {_REFUSED_KEYS[name]}")
                if not _NAME.fullmatch(name) or _DUNDER.search(name):
                    raise Refused(f"it has the name {name[:80]!r}")
                pending.append((name, entry))
        elif isinstance(found, list):
            pending += [(key, entry) for entry in found]
        elif isinstance(found, str):
            _check_string(key, found)


def _check_expression(text: str) -> None:
    """Sums, products and comparisons of integers and of symbols as torch names them, in sympy's spelling."""
    refused = Refused(f"it has the expression {text[:80]!r}")
    try:
        pending: list[ast.AST] = [ast.parse(text[: _EXPRESSION_LIMIT + 1], mode="eval").body]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise refused from None
    if len(text) > _EXPRESSION_LIMIT:
        raise refused
    while pending:
        node = pending.pop()
        match node:
            case ast.Constant(value=int()):
                pass
            case ast.Constant(value=str(symbol)) | ast.Name(id=symbol) if _SYMBOL.fullmatch(symbol):
                pass
            case ast.Call(func=ast.Name(id=function), args=arguments, keywords=keywords) if function in _FUNCTIONS:
                pending += arguments
                for keyword in keywords:
                    if keyword.arg not in _ASSUMPTIONS or not isinstance(keyword.value, ast.Constant):
                        raise refused
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() | ast.FloorDiv() | ast.Mod(), right=right):
                pending += [left, right]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                pending.append(operand)
            case ast.Compare(left=left, comparators=others):
                pending += [left, *others]
            case _:
                raise refused


def _check_string(key: str, text: str) -> None:
    if key == "expr_str":
        _check_expression(text)
    elif key in ("as_string", "as_strings"):
        if not text.isprintable() or len(text) > 1000:
            raise Refused("an operator in it takes text that is not printable")
    elif not _NAME.fullmatch(text) or _DUNDER.search(text):
        raise Refused(f"it has the name {text[:80]!r}")


@dataclass(frozen=True)
class Exported:
    """A model in this format.

    Args:
        program: torch's JSON, cleaned.
        inputs: names, dtypes and shapes of the arguments.
        outputs: of the results.
    """

    program: Mapping[str, Any]
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    def write(self, directory: Path, tensors: Mapping[str, torch.Tensor], what: str) -> None:
        """Writes the model; `tensors` as `load_program` takes them."""
        value = {
            "program": self.program,
            "inputs": [spec.to_json() for spec in self.inputs],
            "outputs": [spec.to_json() for spec in self.outputs],
        }
        (directory / PROGRAM_FILE).write_text(canonical_json(value), "utf-8")
        safetensors_file.write(directory / WEIGHTS_FILE, blobs(tensors, what))

    @classmethod
    def read(cls, directory: Path) -> tuple[Exported, dict[str, torch.Tensor]]:
        """What `write` wrote, cleaned again, and its tensors.

        Raises:
            LeptonError: it is not that.
        """
        value = parse_json((directory / PROGRAM_FILE).read_text("utf-8"))
        try:
            program = cleaned(json.dumps(value["program"]).encode())
        except Refused as error:
            raise LeptonError(PROGRAM_FILE, str(error), "Build the model again") from None
        specs = [tuple(TensorSpec.from_json(spec) for spec in value[side]) for side in ("inputs", "outputs")]
        return cls(program, specs[0], specs[1]), load_file(directory / WEIGHTS_FILE)


def tensor_name(name: str, constant: bool) -> str:
    """What a tensor of the program is called in the file of weights."""
    return _CONSTANT + name if constant else name


def load_program(
    program: Mapping[str, Any], tensors: Mapping[str, torch.Tensor], what: str
) -> tuple[torch.export.ExportedProgram, torch.nn.Module]:
    """torch's object of a cleaned program, and a module that runs it.

    Args:
        program: what `cleaned` gave.
        tensors: by `tensor_name`.
        what: the file, for messages.

    Raises:
        LeptonError: about `what`: torch refuses it.
    """
    from torch._export.serde.schema import ExportedProgram
    from torch._export.serde.serialize import ExportedProgramDeserializer, _bytes_to_dataclass

    state = {name: tensor for name, tensor in tensors.items() if not name.startswith(_CONSTANT)}
    constants = {name.removeprefix(_CONSTANT): t for name, t in tensors.items() if name.startswith(_CONSTANT)}
    parameters = {
        spec["parameter"]["parameter_name"]
        for spec in program["graph_module"]["signature"]["input_specs"]
        if "parameter" in spec
    }
    for name, tensor in state.items():
        if name in parameters:
            state[name] = torch.nn.Parameter(tensor, requires_grad=tensor.is_floating_point())
    try:
        with _quiet():
            schema = _bytes_to_dataclass(ExportedProgram, json.dumps(program).encode())
            loaded = ExportedProgramDeserializer().deserialize(schema, state, constants, None)
            return loaded, loaded.module()
    except Exception as error:  # torch raises whatever its parts raise
        line = (str(error).strip().splitlines() or [""])[0][:200]
        raise LeptonError(
            what, f"torch cannot read it ({type(error).__name__}: {line})", "Export it with this version of torch"
        ) from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def signature_of(
    program: torch.export.ExportedProgram, outputs: tuple[str, ...], what: str
) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """The program's inputs and outputs. A free first axis is `batch`, other free dimensions are `dim_1`, `dim_2`, ….

    Args:
        program: torch's object.
        outputs: names for the outputs, or () for the graph's own.
        what: the file, for messages.

    Raises:
        LeptonError: about `what`: an input or output is no tensor, or the names are not as many as the outputs.
    """
    values = {node.name: node.meta.get("val") for node in program.graph.nodes}
    dimensions: dict[str, str] = {}

    def spec(graph_name: object, name: str) -> TensorSpec:
        tensor = values.get(str(graph_name))
        if not isinstance(tensor, torch.Tensor):
            raise LeptonError(what, f"its input or output {graph_name!r} is no tensor", "Export a module of tensors")
        shape: list[int | str] = []
        for axis, length in enumerate(tensor.shape):
            if isinstance(length, torch.SymInt):
                expression = str(length.node.expr)
                fresh = "batch" if not axis and "batch" not in dimensions.values() else f"dim_{len(dimensions) + 1}"
                shape.append(dimensions.setdefault(expression, fresh))
            else:
                shape.append(int(length))
        return TensorSpec(name, dtype_name(tensor.dtype), tuple(shape))

    found = program.graph_signature
    names = [str(name) for name in found.user_outputs]
    if outputs and len(outputs) != len(names):
        raise LeptonError(
            f"outputs of {what}", f"{len(outputs)} are named, it has {len(names)}", "Name each, in their order"
        )
    inputs = tuple(spec(name, str(name)) for name in found.user_inputs)
    return inputs, tuple(spec(name, given) for name, given in zip(names, outputs or names, strict=True))
