"""The client in C++17: a header without third-party includes, and a source over libcurl and nlohmann/json."""

from __future__ import annotations

import re

from lepton_rules.clients import names
from lepton_rules.clients.names import comment, literal
from lepton_rules.clients.signature import Tensor
from lepton_rules.clients.template import render
from lepton_rules.clients.writing import TEMPLATES, Files, Order, describe

_ELEMENTS = {
    "bool": "std::uint8_t",
    "float16": "Half",
    "bfloat16": "BFloat16",
    "float32": "float",
    "float64": "double",
    "str": "std::string",
} | {f"{sign}int{bits}": f"std::{sign}int{bits}_t" for sign in ("", "u") for bits in (8, 16, 32, 64)}

# Types of the header itself, in the namespace of the tensors' own.
_TYPES = names.CPP | set(
    "ClientError InvalidTensor Unreachable TimedOut UnexpectedAnswer ModelMismatch ServerError Rejected Overloaded "
    "ServerFault Half BFloat16 Tensor Request Response Encoding Options Client Dimension Spec Symbols Reply Output "
    "Json Show ShowShape Fits Count ToJson FromJson ToBytes FromBytes Check Encode Parse Outputs Decode Compare "
    "ToFloat ToHalf ToBFloat16".split()
)


def write(order: Order) -> Files:
    """`<stem>.h` and `<stem>.cc`."""
    signature = order.signature
    tensors = [*signature.inputs, *signature.outputs]
    # An input and an output may have one name, and then different types.
    types = names.distinct(
        (names.pascal(tensor.name) for tensor in tensors), _TYPES, "Tensor", suffix="Tensor", joint=""
    )
    inputs = names.distinct((names.snake(tensor.name) for tensor in signature.inputs), names.CPP, "tensor_")
    outputs = names.distinct((names.snake(tensor.name) for tensor in signature.outputs), names.CPP, "tensor_")
    count = len(inputs)
    halves = any(tensor.dtype in ("float16", "bfloat16") for tensor in tensors)
    specs = [f"k{name}Spec" for name in types]
    values = {
        "MODEL": comment(signature.model_name),
        "DIGEST": signature.digest,
        "NAMESPACE": order.package,
        "HEADER": order.include,
        "GUARD": re.sub(r"[^A-Z0-9]", "_", f"{order.package}_{order.stem}_H".upper()),
        "MODEL_NAME": literal(signature.model_name),
        "MODEL_VERSION": literal(signature.model_version),
        "MODEL_DIGEST": literal(signature.digest),
        "SIGNATURE": "\n".join(f"// {line}" for line in describe(signature)),
        "EXAMPLE": "\n".join(
            f"//   {line}"
            for line in [
                f"#include {literal(order.include)}",
                "",
                f'{order.package}::Client client("http://localhost:8080");',
                "client.Verify();",
                f"{order.package}::Request request;",
                *[
                    f"request.{field} = {order.package}::{name}({', '.join('1' for _ in range(_free(tensor)))});"
                    for field, name, tensor in zip(inputs, types[:count], signature.inputs, strict=True)
                    if _free(tensor)
                ],
                f"{order.package}::Response response = client.Infer(request);",
            ]
        ).replace("//   \n", "//\n"),
        "HALVES": (TEMPLATES / "cpp" / "halves.h.in").read_text("utf-8") if halves else "",
        "TENSORS": "\n".join(
            line
            for name, tensor in zip(types, tensors, strict=True)
            for line in [f"// {comment(f'{tensor.name}: {tensor}')}.", _alias(name, tensor)]
        ),
        "INPUTS": _fields(inputs, types[:count]),
        "OUTPUTS": _fields(outputs, types[count:]),
        "SPECS": "\n".join(_spec(name, tensor) for name, tensor in zip(specs, tensors, strict=True)),
        "CHECKS": "\n".join(
            f"  Check({spec}, request.{field}, symbols);" for spec, field in zip(specs[:count], inputs, strict=True)
        ),
        "ENCODES": "\n".join(
            f'  header["inputs"].push_back(Encode({spec}, request.{field}, binary, bytes));'
            for spec, field in zip(specs[:count], inputs, strict=True)
        ),
        "DECODES": "\n".join(
            f"  response.{field} = Decode<{name}>({spec}, outputs, symbols);"
            for spec, field, name in zip(specs[count:], outputs, types[count:], strict=True)
        ),
        "INPUT_SPECS": ", ".join(f"&{spec}" for spec in specs[:count]),
        "OUTPUT_SPECS": ", ".join(f"&{spec}" for spec in specs[count:]),
    }
    header = render(TEMPLATES / "cpp" / "client.h.in", values)
    values["HALVES"] = (TEMPLATES / "cpp" / "halves.cc.in").read_text("utf-8") if halves else ""
    return {f"{order.stem}.h": header, f"{order.stem}.cc": render(TEMPLATES / "cpp" / "client.cc.in", values)}


def _free(tensor: Tensor) -> int:
    return sum(isinstance(length, str) for length in tensor.shape)


def _alias(name: str, tensor: Tensor) -> str:
    lengths = "".join(", kAny" if isinstance(length, str) else f", {length}" for length in tensor.shape)
    return f"using {name} = Tensor<{_ELEMENTS[tensor.dtype]}{lengths}>;"


def _fields(fields: list[str], types: list[str]) -> str:
    return "\n".join(f"  {name} {field};" for field, name in zip(fields, types, strict=True))


def _spec(name: str, tensor: Tensor) -> str:
    shape = ", ".join(
        f"{{{literal(length)}, kAny}}" if isinstance(length, str) else f'{{"", {length}}}' for length in tensor.shape
    )
    return f"const Spec {name}{{{literal(tensor.name)}, {literal(tensor.datatype)}, {{{shape}}}}};"
