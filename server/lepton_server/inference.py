"""One request for inference, whatever it came by, and its check against the model's signature."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lepton_server.errors import RequestError, shown
from lepton_server.signature import Signature, Tensor

if TYPE_CHECKING:
    from lepton_server.tensors import Array


@dataclass(frozen=True)
class Inference:
    """What is asked for, checked.

    Args:
        id: the client's own name of the request, empty where it gave none.
        inputs: every input of the model by name, of the model's dtype and of a shape that fits.
        outputs: the wanted outputs in the client's order, and whether each is wanted as raw bytes.
    """

    id: str
    inputs: Mapping[str, Array]
    outputs: Sequence[tuple[Tensor, bool]]


class InputCheck:
    """Checks the inputs of one request as they come: each once, of the right type, and of a shape that fits the model
    and the other inputs."""

    def __init__(self, signature: Signature) -> None:
        self._tensors = {tensor.name: tensor for tensor in signature.inputs}
        self._seen: set[str] = set()
        self._bound: dict[str, int] = {}

    def admit(self, name: object, datatype: object, shape: object) -> tuple[Tensor, tuple[int, ...]]:
        """Returns the tensor called `name` and its shape.

        Raises:
            RequestError: the model has no such input, it came before, or type or shape do not fit.
        """
        tensor = self._tensors.get(name) if isinstance(name, str) else None
        if tensor is None:
            raise RequestError(400, f"the model has no input {shown(name)}, it has {_names(self._tensors)}")
        if tensor.name in self._seen:
            raise RequestError(400, f"input {tensor.name!r} is there twice")
        self._seen.add(tensor.name)
        if datatype != tensor.datatype:
            raise RequestError(400, f"input {tensor.name!r} is {shown(datatype)}, the model's is {tensor.datatype}")
        if not isinstance(shape, list | tuple) or not all(type(length) is int for length in shape):
            raise RequestError(400, f"input {tensor.name!r}: its shape is not an array of whole numbers")
        accepted = list(tensor.metadata()["shape"])
        if len(shape) != len(tensor.shape):
            raise RequestError(
                400, f"input {tensor.name!r} has {len(shape)} dimensions, the model's has {len(accepted)}: {accepted}"
            )
        for length, wanted in zip(shape, tensor.shape, strict=True):
            if isinstance(wanted, str):
                wanted_length = self._bound.setdefault(wanted, length)
                fits = length > 0 and length == wanted_length
            else:
                fits = length == wanted
            if not fits:
                why = f"input {tensor.name!r} has the shape {shown(list(shape))}, the model's is {accepted}"
                if isinstance(wanted, str) and length > 0:
                    why = (
                        f"input {tensor.name!r} has the shape {shown(list(shape))}, and another input has"
                        f" {wanted_length} where this one has {length}"
                    )
                raise RequestError(400, why)
        return tensor, tuple(shape)

    def finish(self) -> None:
        """RequestError where an input is missing."""
        if missing := [name for name in self._tensors if name not in self._seen]:
            raise RequestError(400, f"the model's input {missing[0]!r} is missing")


def wanted_outputs(signature: Signature, asked: Iterable[tuple[object, bool]]) -> list[tuple[Tensor, bool]]:
    """Returns the tensors that the names stand for.

    Raises:
        RequestError: the model has no such output, or it is there twice.
    """
    tensors = {tensor.name: tensor for tensor in signature.outputs}
    wanted: dict[str, tuple[Tensor, bool]] = {}
    for name, binary in asked:
        tensor = tensors.get(name) if isinstance(name, str) else None
        if tensor is None:
            raise RequestError(400, f"the model has no output {shown(name)}, it has {_names(tensors)}")
        if tensor.name in wanted:
            raise RequestError(400, f"output {tensor.name!r} is there twice")
        wanted[tensor.name] = (tensor, binary)
    return list(wanted.values())


def _names(tensors: Mapping[str, Any]) -> str:
    return ", ".join(repr(name) for name in tensors)
