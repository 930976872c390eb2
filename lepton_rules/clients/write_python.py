"""The client in Python: a typed package over the standard library's HTTP and numpy."""

from __future__ import annotations

from lepton_rules.clients import names
from lepton_rules.clients.names import comment, literal
from lepton_rules.clients.signature import Tensor
from lepton_rules.clients.template import render
from lepton_rules.clients.writing import TEMPLATES, Files, Order, describe, example_lengths

_DTYPES = {"bool": "np.bool_", "bfloat16": "np.uint16", "str": "np.object_"}
_PUBLIC = (
    "ClientError Encoding InvalidTensor ModelMismatch Overloaded Rejected Request Response ServerError ServerFault "
    "TimedOut UnexpectedAnswer Unreachable"
).split()


def write(order: Order) -> Files:
    """`__init__.py`, `client.py`, `protocol.py` and `py.typed`."""
    signature = order.signature
    inputs = names.distinct((names.snake(tensor.name) for tensor in signature.inputs), names.PYTHON, "tensor_")
    outputs = names.distinct((names.snake(tensor.name) for tensor in signature.outputs), names.PYTHON, "tensor_")
    lengths = example_lengths(signature.inputs)
    values = {
        "MODEL": comment(signature.model_name),
        "CLASS": order.class_name,
        "DIGEST": signature.digest,
        "MODEL_NAME": literal(signature.model_name),
        "MODEL_VERSION": literal(signature.model_version),
        "MODEL_DIGEST": literal(signature.digest),
        "SIGNATURE": "\n".join(f"  {line}" for line in describe(signature)),
        "EXAMPLE": "\n".join(
            f"    {line}"
            for line in [
                f'with {order.class_name}("http://localhost:8080") as client:',
                "    client.verify()",
                "    request = Request(",
                *[
                    f"        {field}={_zeros(tensor, lengths)},"
                    for field, tensor in zip(inputs, signature.inputs, strict=True)
                ],
                "    )",
                "    response = client.infer(request)",
            ]
        ),
        "INPUT_DOCS": _docs(inputs, signature.inputs),
        "OUTPUT_DOCS": _docs(outputs, signature.outputs),
        "INPUTS": _fields(inputs, signature.inputs),
        "OUTPUTS": _fields(outputs, signature.outputs),
        "INPUT_SPECS": "\n".join(map(_spec, signature.inputs)),
        "OUTPUT_SPECS": "\n".join(map(_spec, signature.outputs)),
        "ENCODES": "\n".join(
            f"            {literal(tensor.name)}: request.{field},"
            for field, tensor in zip(inputs, signature.inputs, strict=True)
        ),
        "DECODES": "\n".join(
            f"            {field}=outputs[{literal(tensor.name)}],"
            for field, tensor in zip(outputs, signature.outputs, strict=True)
        ),
        "TYPES": ", ".join(sorted(["Request", "Response", order.class_name])),
        "ALL": "\n".join(f'    "{name}",' for name in sorted([*_PUBLIC, order.class_name])),
    }
    python = TEMPLATES / "python"
    return {
        "__init__.py": render(python / "init.py.in", values),
        "client.py": render(python / "client.py.in", values),
        "protocol.py": (python / "protocol.py").read_text("utf-8"),
        "py.typed": "",
    }


def _dtype(tensor: Tensor) -> str:
    return _DTYPES.get(tensor.dtype, f"np.{tensor.dtype}")


def _type(tensor: Tensor) -> str:
    # numpy's own shapes are of ints; the lengths stand in the documentation and are checked.
    rank = ", ".join("int" for _ in tensor.shape) or "()"
    return f"np.ndarray[tuple[{rank}], np.dtype[{_dtype(tensor)}]]"


def _zeros(tensor: Tensor, lengths: dict[str, int]) -> str:
    shape = ", ".join(str(lengths[length] if isinstance(length, str) else length) for length in tensor.shape)
    return f"np.zeros(({shape}{',' if len(tensor.shape) == 1 else ''}), {_dtype(tensor)})"


def _docs(fields: list[str], tensors: tuple[Tensor, ...]) -> str:
    return "\n".join(f"      {field}: {_doc(field, tensor)}" for field, tensor in zip(fields, tensors, strict=True))


def _doc(field: str, tensor: Tensor) -> str:
    text = f"{tensor}"
    if tensor.dtype == "bfloat16":
        text += ", as bits"
    if tensor.dtype == "str":
        text += ", objects that are str"
    if field != tensor.name:
        text += f"; the model calls it '{tensor.name}'"
    return comment(text + ".")


def _fields(fields: list[str], tensors: tuple[Tensor, ...]) -> str:
    return "\n".join(f"    {field}: {_type(tensor)}" for field, tensor in zip(fields, tensors, strict=True))


def _spec(tensor: Tensor) -> str:
    shape = ", ".join(literal(length) if isinstance(length, str) else str(length) for length in tensor.shape)
    comma = "," if len(tensor.shape) == 1 else ""
    return f"        TensorSpec({literal(tensor.name)}, {literal(tensor.datatype)}, ({shape}{comma})),"
