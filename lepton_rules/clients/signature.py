"""What a client is generated from: a manifest's signature, in the words of the Open Inference Protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lepton_rules.plugin.errors import LeptonError

# The protocol's name of each element type, https://github.com/kserve/open-inference-protocol, "Tensor Data Types".
DATATYPES: Mapping[str, str] = {
    "bool": "BOOL",
    "int8": "INT8",
    "int16": "INT16",
    "int32": "INT32",
    "int64": "INT64",
    "uint8": "UINT8",
    "uint16": "UINT16",
    "uint32": "UINT32",
    "uint64": "UINT64",
    "float16": "FP16",
    "bfloat16": "BF16",
    "float32": "FP32",
    "float64": "FP64",
    "str": "BYTES",
}


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """One tensor.

    Attributes:
      name: as the model calls it.
      dtype: its element type, by the manifest's name.
      shape: a length, or a name where it is known at run time, for each dimension.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...]

    @property
    def datatype(self) -> str:
        """The protocol's name of the element type."""
        return DATATYPES[self.dtype]

    @property
    def symbols(self) -> tuple[str, ...]:
        """The dimensions that are known at run time, each once, in order."""
        return tuple(dict.fromkeys(length for length in self.shape if isinstance(length, str)))

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]"


@dataclass(frozen=True, kw_only=True)
class Signature:
    """What a model takes and gives, and which model it is."""

    model_name: str
    model_version: str
    digest: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


def signature(manifest: Mapping[str, Any], model_name: str, model_version: str) -> Signature:
    """The signature in a manifest.

    Raises:
      LeptonError: a tensor has elements that the protocol has no name for.
    """
    sides = {}
    for side in ("inputs", "outputs"):
        tensors = []
        for tensor in manifest[side]:
            if tensor["dtype"] not in DATATYPES:
                raise LeptonError(
                    f"{side[:-1]} {tensor['name']!r}",
                    f"it is {tensor['dtype']}, which the Open Inference Protocol has no name for",
                    f"Export the model with one of {', '.join(sorted(DATATYPES))}",
                )
            tensors.append(Tensor(name=tensor["name"], dtype=tensor["dtype"], shape=tuple(tensor["shape"])))
        sides[side] = tuple(tensors)
    return Signature(model_name=model_name, model_version=model_version, digest=manifest["digest"], **sides)
