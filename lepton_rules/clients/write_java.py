"""The client in Java 11: one class for the model, and the few that it needs, over java.net.http and nothing else."""

from __future__ import annotations

from lepton_rules.clients import names
from lepton_rules.clients.names import comment
from lepton_rules.clients.signature import Tensor
from lepton_rules.clients.template import render
from lepton_rules.clients.writing import TEMPLATES, Files, Order, describe

# Java has no unsigned integers and no halves: those are their bits.
_ELEMENTS = {
    "bool": "boolean",
    "int8": "byte",
    "int16": "short",
    "int32": "int",
    "int64": "long",
    "uint8": "byte",
    "uint16": "short",
    "uint32": "int",
    "uint64": "long",
    "float16": "short",
    "bfloat16": "short",
    "float32": "float",
    "float64": "double",
    "str": "String",
}
_PARTS = ("ClientException", "ClientOptions", "Json", "Spec", "Transport")
_TYPES = names.JAVA | set(
    "ClientException ClientOptions Json Spec Transport Request Response Map List HashMap ArrayList Objects String Long "
    "Object Override RuntimeException".split()
)


def write(order: Order) -> Files:
    """`<class>.java`, and the classes that it needs."""
    signature = order.signature
    tensors = [*signature.inputs, *signature.outputs]
    reserved = _TYPES | {order.class_name}
    types = names.distinct(
        (names.pascal(tensor.name) for tensor in tensors), reserved, "Tensor", suffix="Tensor", joint=""
    )
    constants = [f"{names.snake(name).upper() or 'TENSOR'}_{number}" for number, name in enumerate(types)]
    inputs = names.distinct((names.camel(tensor.name) for tensor in signature.inputs), names.JAVA, "tensor")
    outputs = names.distinct((names.camel(tensor.name) for tensor in signature.outputs), names.JAVA, "tensor")
    count = len(inputs)
    values = {
        "PACKAGE": order.package,
        "CLASS": order.class_name,
        "MODEL": comment(signature.model_name),
        "DIGEST": signature.digest,
        "MODEL_NAME": _literal(signature.model_name),
        "MODEL_VERSION": _literal(signature.model_version),
        "MODEL_DIGEST": _literal(signature.digest),
        "SIGNATURE": "\n".join(f" * {_inert(line)}" for line in describe(signature)),
        "EXAMPLE": "\n".join(
            f" * {line}"
            for line in [
                f'var client = new {order.class_name}("http://localhost:8080");',
                "client.verify();",
                *[
                    f"var {field} = new {order.class_name}.{name}({_one_each(tensor)}new {_sized(tensor)});"
                    for field, name, tensor in zip(inputs, types[:count], signature.inputs, strict=True)
                ],
                f"var response = client.infer(new {order.class_name}.Request({', '.join(inputs)}));",
            ]
        ),
        "SPECS": "\n".join(_spec(name, tensor) for name, tensor in zip(constants, tensors, strict=True)),
        "CHECKS": "\n".join(
            line
            for constant, field in zip(constants[:count], inputs, strict=True)
            for line in [
                f"        if (!{constant}.fits(request.{field}.shape, symbols)) {{",
                "            throw new ClientException.InvalidTensor(",
                f'                    {constant} + " is of other lengths than other tensors: here " + symbols);',
                "        }",
            ]
        ),
        "ENCODES": "\n".join(
            f"        inputs.add({constant}.encode(request.{field}.shape, request.{field}.values, blobs));"
            for constant, field in zip(constants[:count], inputs, strict=True)
        ),
        "DECODES": ",\n".join(f"                {name}.read(outputs, symbols)" for name in types[count:]),
        "INPUT_SPECS": ", ".join(constants[:count]),
        "OUTPUT_SPECS": ", ".join(constants[count:]),
        "REQUEST": _record("Request", inputs, types[:count], "public "),
        "RESPONSE": _record("Response", outputs, types[count:], ""),
        "TENSORS": "\n".join(
            _tensor(name, constant, tensor) for name, constant, tensor in zip(types, constants, tensors, strict=True)
        ),
    }
    java = TEMPLATES / "java"
    return {f"{order.class_name}.java": render(java / "Client.java.in", values)} | {
        f"{part}.java": render(java / f"{part}.java.in", values) for part in _PARTS
    }


def _literal(text: str) -> str:
    return names.literal(text, pairs=True)


def _inert(line: str) -> str:
    # Javadoc's {@code} ends where its braces are level.
    return line.replace("{", "(").replace("}", ")").replace("@", "(at)")


def _free_names(tensor: Tensor) -> list[str]:
    """A parameter for each dimension that is known at run time, in order, also where a name stands twice."""
    symbols = [names.camel(length) for length in tensor.shape if isinstance(length, str)]
    return names.distinct(symbols, names.JAVA | {"values"}, "length")


def _one_each(tensor: Tensor) -> str:
    return "1, " * len(_free_names(tensor))


def _sized(tensor: Tensor) -> str:
    lengths = [str(length) for length in tensor.shape if isinstance(length, int)]
    return f"{_ELEMENTS[tensor.dtype]}[{' * '.join(lengths) or '1'}]"


def _spec(constant: str, tensor: Tensor) -> str:
    symbols = ", ".join(_literal(length if isinstance(length, str) else "") for length in tensor.shape)
    lengths = ", ".join("Spec.ANY" if isinstance(length, str) else f"{length}L" for length in tensor.shape)
    return (
        f"    private static final Spec {constant} = new Spec(\n"
        f"            {_literal(tensor.name)},\n"
        f"            {_literal(tensor.datatype)},\n"
        f"            new String[] {{{symbols}}},\n"
        f"            new long[] {{{lengths}}});"
    )


def _record(name: str, fields: list[str], types: list[str], access: str) -> str:
    pairs = list(zip(types, fields, strict=True))
    lines = [f"        private final {kind} {field};" for kind, field in pairs]
    lines += ["", f"        {access}{name}({', '.join(f'{kind} {field}' for kind, field in pairs)}) {{"]
    lines += [f"            this.{field} = Objects.requireNonNull({field});" for field in fields]
    lines += ["        }"]
    for kind, field in pairs:
        lines += ["", f"        public {kind} {field}() {{", f"            return {field};", "        }"]
    return "\n".join(lines)


def _tensor(name: str, constant: str, tensor: Tensor) -> str:
    free = _free_names(tensor)
    # A name may be that of a free length: those are of the constructor, these of another method.
    indices = [f"i{number}" for number in range(len(tensor.shape))]
    places = [str(number) for number, length in enumerate(tensor.shape) if isinstance(length, str)]
    doc = comment(f"{tensor.name}: {tensor}")
    if tensor.dtype.startswith("uint"):
        doc += ", each as its bits: Java's are signed"
    if tensor.dtype in ("float16", "bfloat16"):
        doc += ", each as its 16 bits"
    return render(
        TEMPLATES / "java" / "Tensor.java.in",
        {
            "DOC": doc.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "&#64;"),
            "TYPE": name,
            "ELEMENT": _ELEMENTS[tensor.dtype],
            "SPEC": constant,
            "LENGTHS": "".join(f"long {length}, " for length in free),
            "FREE": "".join(f", {length}" for length in free),
            "INDEX_PARAMETERS": ", ".join(f"int {index}" for index in indices),
            "INDICES": "".join(f", {index}" for index in indices),
            "READ_LENGTHS": "".join(f"shape[{place}], " for place in places),
        },
    ).rstrip("\n")
