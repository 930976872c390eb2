"""The protocol's names of element types, and numpy's.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md#tensor-data-types
"""

from __future__ import annotations

from collections.abc import Mapping

from lepton_rules.plugin.errors import LeptonError

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
    "float32": "FP32",
    "float64": "FP64",
    "str": "BYTES",
}


def datatype(dtype: str, tensor: str) -> str:
    """Returns the protocol's name of numpy's `dtype`. LeptonError where the protocol has none, for `tensor`."""
    try:
        return DATATYPES[dtype]
    except KeyError:
        known = ", ".join(DATATYPES)
        raise LeptonError(
            f"tensor {tensor!r}",
            f"its dtype is {dtype}, and what is served has one of {known}",
            "Convert it inside the model",
        ) from None
