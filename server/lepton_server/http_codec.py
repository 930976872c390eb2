"""Inference over HTTP: a JSON object, after it the raw bytes of the tensors that have `binary_data_size`.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md and
https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from lepton_server import tensors
from lepton_server.errors import RequestError, shown
from lepton_server.inference import Inference, InputCheck, wanted_outputs
from lepton_server.signature import Signature

if TYPE_CHECKING:
    from lepton_server.tensors import Array

# Brackets in one request's JSON. A list of one number in Python takes 30 times the bytes of its JSON.
_MAX_CONTAINERS = 200_000
_MAX_NAMES = 1000  # in one object; the protocol's have ten


def decode(body: bytes, json_length: int | None, signature: Signature) -> Inference:
    """Returns the inference that a body asks for.

    Args:
        body: the whole body, decompressed.
        json_length: the header Inference-Header-Content-Length; None where the body is JSON alone.
        signature: of the model.

    Raises:
        RequestError: 400, whatever is wrong with it.
    """
    if json_length is not None and not 0 <= json_length <= len(body):
        raise RequestError(400, f"Inference-Header-Content-Length is {json_length} and the body has {len(body)} bytes")
    head = body if json_length is None else body[:json_length]
    raw = memoryview(b"") if json_length is None else memoryview(body)[json_length:]
    request = _object(parse(head), "the request")
    identity = request.get("id", "")
    if not isinstance(identity, str):
        raise RequestError(400, "the request's id is not a string")
    parameters = _object(request.get("parameters", {}), "the request's parameters")
    check = InputCheck(signature)
    arrays: dict[str, Array] = {}
    for item in _list(request.get("inputs"), "the request's inputs"):
        entry = _object(item, "an input")
        tensor, shape = check.admit(entry.get("name"), entry.get("datatype"), entry.get("shape"))
        own = _object(entry.get("parameters", {}), f"the parameters of input {tensor.name!r}")
        _no_shared_memory(own)
        if "binary_data_size" in own:
            size = own["binary_data_size"]
            if "data" in entry:
                raise RequestError(400, f"input {tensor.name!r} has both data and binary_data_size")
            if type(size) is not int or not 0 <= size <= len(raw):
                why = f"binary_data_size is {shown(size)} and {len(raw)} bytes are left in the body"
                raise RequestError(400, f"input {tensor.name!r}: {why}")
            arrays[tensor.name] = tensors.from_bytes(tensor, shape, raw[:size])
            raw = raw[size:]
        else:
            arrays[tensor.name] = tensors.from_json(tensor, shape, entry.get("data"))
    check.finish()
    if raw:
        raise RequestError(400, f"the body has {len(raw)} bytes after those of its inputs")
    binary = _flag(parameters, "binary_data_output", False)
    asked: list[tuple[object, bool]] = []
    for item in _list(request.get("outputs", []), "the request's outputs"):
        entry = _object(item, "an output")
        own = _object(entry.get("parameters", {}), "the parameters of an output")
        _no_shared_memory(own)
        if own.get("classification"):
            raise RequestError(400, "the classification extension is not supported; ask for the output itself")
        asked.append((entry.get("name"), _flag(own, "binary_data", binary)))
    if not asked:
        asked = [(tensor.name, binary) for tensor in signature.outputs]
    return Inference(identity, arrays, wanted_outputs(signature, asked))


def encode(inference: Inference, results: Mapping[str, Array], signature: Signature) -> tuple[bytes, int | None]:
    """Returns the answer's body, and the length of its JSON where raw bytes follow.

    Raises:
        RequestError: 422, an output that is wanted as JSON holds NaN or infinity.
    """
    outputs = []
    parts: list[bytes] = []
    for tensor, binary in inference.outputs:
        values = results[tensor.name]
        entry: dict[str, Any] = {"name": tensor.name, "datatype": tensor.datatype, "shape": list(values.shape)}
        if binary:
            parts.append(tensors.to_bytes(tensor, values))
            entry["parameters"] = {"binary_data_size": len(parts[-1])}
        else:
            entry["data"] = tensors.to_json(tensor, values)
        outputs.append(entry)
    answer: dict[str, Any] = {"model_name": signature.name, "model_version": signature.version, "outputs": outputs}
    if inference.id:
        answer["id"] = inference.id
    head = _ENCODER.encode(answer).encode()
    return (b"".join([head, *parts]), len(head)) if parts else (head, None)


def parse(text: bytes) -> object:
    """Returns what strict JSON in UTF-8 says: no name twice in an object, no NaN, no Infinity.

    Raises:
        RequestError: 400, it is not that, or it is nested too deep, or has too many brackets.
    """
    if text.count(b"[") + text.count(b"{") > _MAX_CONTAINERS:
        raise RequestError(
            400, f"the JSON has more than {_MAX_CONTAINERS} arrays and objects; send flat data, or binary"
        )
    try:
        return _DECODER.decode(text.decode("utf-8"))
    except UnicodeDecodeError:
        raise RequestError(400, "the JSON is not UTF-8") from None
    except RecursionError:
        raise RequestError(400, "the JSON is nested too deep") from None
    except ValueError as error:
        raise RequestError(400, f"the body is not JSON: {shown(str(error), 200)}") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > _MAX_NAMES:
        raise RequestError(400, f"the JSON has an object with more than {_MAX_NAMES} names")
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise RequestError(400, f"the JSON has the name {shown(name)} twice in one object")
        found[name] = value
    return found


def _constant(name: str) -> NoReturn:
    raise RequestError(400, f"the JSON has {name}, which JSON does not know")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_constant)
_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False)


def _object(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RequestError(400, f"{what} is not a JSON object")
    return value


def _list(value: object, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise RequestError(400, f"{what} are not a JSON array")
    return value


def _flag(parameters: Mapping[str, Any], name: str, default: bool) -> bool:
    value = parameters.get(name, default)
    if not isinstance(value, bool):
        raise RequestError(400, f"the parameter {name} is {shown(value)}, accepted is true or false")
    return value


def _no_shared_memory(parameters: Mapping[str, Any]) -> None:
    if "shared_memory_region" in parameters:
        raise RequestError(400, "the shared memory extensions are not supported; send the data itself")
