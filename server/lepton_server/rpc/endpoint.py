"""The gRPC service: the same inference, by protobuf messages."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import grpc  # type: ignore[import-untyped]
import numpy as np

from lepton_rules.plugin.errors import LeptonError
from lepton_server import __version__, tensors
from lepton_server.app import EXTENSIONS
from lepton_server.errors import RequestError, overloaded, shown
from lepton_server.inference import Inference, InputCheck, wanted_outputs
from lepton_server.logs import LOGGER
from lepton_server.options import Options
from lepton_server.rpc import open_inference_pb2
from lepton_server.signature import Signature, Tensor
from lepton_server.state import State
from lepton_server.tensors import Array

messages: Any = open_inference_pb2  # its classes are made when it is imported
_SERVICE = "inference.GRPCInferenceService"
_FRAMING = 1 << 16  # bytes of a message besides its tensors
_STATUS = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    404: grpc.StatusCode.NOT_FOUND,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    503: grpc.StatusCode.UNAVAILABLE,
}
_CONTENTS = {
    "bool": "bool_contents",
    "int8": "int_contents",
    "int16": "int_contents",
    "int32": "int_contents",
    "int64": "int64_contents",
    "uint8": "uint_contents",
    "uint16": "uint_contents",
    "uint32": "uint_contents",
    "uint64": "uint64_contents",
    "float32": "fp32_contents",
    "float64": "fp64_contents",
    "str": "bytes_contents",
}


async def start(options: Options, state: State) -> grpc.aio.Server:
    """Returns the running gRPC server. LeptonError where it cannot have its port."""
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", options.max_body_bytes + _FRAMING),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),
            ("grpc.max_concurrent_streams", options.max_connections),
        ],
        maximum_concurrent_rpcs=options.max_connections,
    )
    server.add_generic_rpc_handlers((_Endpoint(options, state).handlers(),))
    host = f"[{options.host}]" if ":" in options.host else options.host
    address = f"{host}:{options.grpc_port}"
    try:
        server.add_insecure_port(address)
    except RuntimeError as error:
        raise LeptonError("the server", f"it cannot listen on {address}: {error}", "Mend --grpc_port") from None
    await server.start()
    return server


class _Endpoint:
    def __init__(self, options: Options, state: State) -> None:
        self._options = options
        self._state = state

    def handlers(self) -> grpc.GenericRpcHandler:
        """Returns the service's methods."""
        methods = {
            "ServerLive": self._server_live,
            "ServerReady": self._server_ready,
            "ModelReady": self._model_ready,
            "ServerMetadata": self._server_metadata,
            "ModelMetadata": self._model_metadata,
            "ModelInfer": self._model_infer,
        }
        return grpc.method_handlers_generic_handler(
            _SERVICE,
            {
                name: grpc.unary_unary_rpc_method_handler(
                    self._told(method),
                    request_deserializer=getattr(messages, name + "Request").FromString,
                    response_serializer=getattr(messages, name + "Response").SerializeToString,
                )
                for name, method in methods.items()
            },
        )

    def _told(self, method: Callable[[Any], Awaitable[Any]]) -> Callable[[Any, Any], Awaitable[Any]]:
        """Returns the method with its errors as gRPC's statuses."""

        async def call(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            try:
                return await method(request)
            except RequestError as error:
                if after := error.headers.get("retry-after"):
                    context.set_trailing_metadata((("retry-after", after),))
                code = _STATUS.get(error.status, grpc.StatusCode.INTERNAL)
                return await context.abort(code, error.message)
            except Exception:
                LOGGER.exception("request failed")
                return await context.abort(grpc.StatusCode.INTERNAL, "the server failed; its log says why")

        return call

    async def _server_live(self, request: Any) -> Any:
        return messages.ServerLiveResponse(live=True)

    async def _server_ready(self, request: Any) -> Any:
        return messages.ServerReadyResponse(ready=self._state.ready)

    async def _model_ready(self, request: Any) -> Any:
        self._check_model(request.name, request.version)
        return messages.ModelReadyResponse(ready=self._state.ready)

    async def _server_metadata(self, request: Any) -> Any:
        return messages.ServerMetadataResponse(name="lepton_server", version=__version__, extensions=EXTENSIONS)

    async def _model_metadata(self, request: Any) -> Any:
        self._check_model(request.name, request.version)
        signature = self._state.serving().signature
        return messages.ModelMetadataResponse(
            name=signature.name,
            versions=[signature.version],
            platform=signature.platform,
            inputs=[tensor.metadata() for tensor in signature.inputs],
            outputs=[tensor.metadata() for tensor in signature.outputs],
        )

    async def _model_infer(self, request: Any) -> Any:
        begin = time.perf_counter()
        code = 500
        try:
            answer = await self._infer(request)
            code = 200
            return answer
        except RequestError as error:
            code = error.status
            raise
        except asyncio.CancelledError:  # the client has gone, or the drain has ended
            code = 499
            self._state.abandoned += self._state.overdue
            raise
        finally:
            self._state.answered(code, time.perf_counter() - begin, request.id)

    async def _infer(self, request: Any) -> Any:
        self._check_model(request.model_name, request.model_version)
        service = self._state.serving()
        service.admit()
        held = request.ByteSize()
        if self._state.pending_bytes + held > self._options.max_pending_bytes + _FRAMING:
            raise overloaded(f"requests of more than {self._options.max_pending_bytes} bytes are held")
        self._state.pending_bytes += held
        try:
            inference = _decode(request, service.signature)
            results = await service.infer(inference.inputs, _never)
        finally:
            self._state.pending_bytes -= held
        return _encode(inference, results, service.signature)

    def _check_model(self, name: str, version: str) -> None:
        if name != self._options.name:
            raise RequestError(404, f"there is no model {shown(name)}, here is {self._options.name!r}")
        if version not in ("", self._options.version):
            raise RequestError(
                404, f"model {name!r} has no version {shown(version)}, here is {self._options.version!r}"
            )


def _never() -> bool:
    return False  # gRPC cancels the call of a client that goes


def _decode(request: Any, signature: Signature) -> Inference:
    raw = list(request.raw_input_contents)
    if raw and len(raw) != len(request.inputs):
        raise RequestError(400, f"there are {len(raw)} raw_input_contents for {len(request.inputs)} inputs")
    check = InputCheck(signature)
    arrays: dict[str, Array] = {}
    for place, entry in enumerate(request.inputs):
        tensor, shape = check.admit(entry.name, entry.datatype, list(entry.shape))
        if raw:
            if entry.HasField("contents"):
                raise RequestError(400, f"input {tensor.name!r} has both contents and raw_input_contents")
            arrays[tensor.name] = tensors.from_bytes(tensor, shape, memoryview(raw[place]))
        else:
            arrays[tensor.name] = tensors.from_json(tensor, shape, _contents(tensor, entry.contents))
    check.finish()
    # FP16 has no field of its own.
    binary = bool(raw) or any(tensor.dtype not in _CONTENTS for tensor in signature.outputs)
    asked = [(output.name, binary) for output in request.outputs]
    asked = asked or [(tensor.name, binary) for tensor in signature.outputs]
    return Inference(request.id, arrays, wanted_outputs(signature, asked))


def _contents(tensor: Tensor, contents: Any) -> list[Any]:
    field = _CONTENTS.get(tensor.dtype)
    if field is None:
        raise RequestError(400, f"input {tensor.name!r}: {tensor.datatype} comes as raw_input_contents alone")
    values = list(getattr(contents, field))
    if tensor.dtype == "str":
        try:
            return [value.decode() for value in values]
        except UnicodeDecodeError:
            raise RequestError(400, f"input {tensor.name!r}: a text is not UTF-8") from None
    return values


def _encode(inference: Inference, results: Any, signature: Signature) -> Any:
    answer = messages.ModelInferResponse(model_name=signature.name, model_version=signature.version, id=inference.id)
    for tensor, binary in inference.outputs:
        values = results[tensor.name]
        output = answer.outputs.add(name=tensor.name, datatype=tensor.datatype, shape=values.shape)
        if binary:
            answer.raw_output_contents.append(tensors.to_bytes(tensor, values))
        else:
            flat = values.reshape(-1)
            listed = [text.encode() for text in flat.tolist()] if tensor.dtype == "str" else np.asarray(flat).tolist()
            getattr(output.contents, _CONTENTS[tensor.dtype]).extend(listed)
    return answer
