"""torch's tensors as safetensors: dtypes, and the bytes of a tensor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import torch

from lepton_rules.plugin import LeptonError
from lepton_rules.plugin.safetensors_file import Blob

# safetensors' name of a dtype, torch's, and the one that manifests use (numpy's and ml_dtypes').
_DTYPES: tuple[tuple[str, torch.dtype, str], ...] = (
    ("BOOL", torch.bool, "bool"),
    ("U8", torch.uint8, "uint8"),
    ("I8", torch.int8, "int8"),
    ("U16", torch.uint16, "uint16"),
    ("I16", torch.int16, "int16"),
    ("U32", torch.uint32, "uint32"),
    ("I32", torch.int32, "int32"),
    ("U64", torch.uint64, "uint64"),
    ("I64", torch.int64, "int64"),
    ("F16", torch.float16, "float16"),
    ("BF16", torch.bfloat16, "bfloat16"),
    ("F32", torch.float32, "float32"),
    ("F64", torch.float64, "float64"),
    ("C64", torch.complex64, "complex64"),
    ("F8_E4M3", torch.float8_e4m3fn, "float8_e4m3fn"),
    ("F8_E5M2", torch.float8_e5m2, "float8_e5m2"),
    ("F8_E4M3FNUZ", torch.float8_e4m3fnuz, "float8_e4m3fnuz"),
    ("F8_E5M2FNUZ", torch.float8_e5m2fnuz, "float8_e5m2fnuz"),
    ("F8_E8M0", torch.float8_e8m0fnu, "float8_e8m0fnu"),
)
_SAFETENSORS: Mapping[torch.dtype, str] = {dtype: name for name, dtype, _ in _DTYPES}
_NAMES: Mapping[torch.dtype, str] = {dtype: name for _, dtype, name in _DTYPES}
_BY_NAME: Mapping[str, torch.dtype] = {name: dtype for _, dtype, name in _DTYPES}


def dtype_name(dtype: torch.dtype) -> str:
    """A dtype's name in manifests, such as `float32`; torch's own where manifests have none."""
    return _NAMES.get(dtype, str(dtype))


# Those that an input may have, the likely ones.
INPUT_DTYPES = ("bool", "float16", "bfloat16", "float32", "float64", "int8", "uint8", "int32", "int64")


def dtype_of(name: str) -> torch.dtype | None:
    """The dtype that manifests call `name`, or None."""
    return _BY_NAME.get(name)


def blobs(tensors: Mapping[str, object], what: str) -> dict[str, Blob]:
    """What `safetensors_file.write` takes, of torch tensors or numpy arrays by name. Views are copied one by one.

    Raises:
        LeptonError: about `what`: it is no such mapping, it is empty, or a tensor is not dense, has no data, or has a
            dtype that safetensors has not.
    """
    if not isinstance(tensors, Mapping):
        raise LeptonError(what, f"it gave {type(tensors).__name__}", "Return a dict of tensors: model.state_dict()")
    if not tensors:
        raise LeptonError(what, "it gave no tensors", "Return a dict of tensors: model.state_dict()")
    return {_name(name, what): _blob(name, tensor, what) for name, tensor in tensors.items()}


def _name(name: object, what: str) -> str:
    if not isinstance(name, str):
        raise LeptonError(what, f"{name!r} is no name for a tensor", "Name every tensor with a string")
    return name


def _blob(name: str, value: object, what: str) -> Blob:
    what = f"tensor {name!r} of {what}"
    if isinstance(value, np.ndarray | np.generic):
        try:
            value = torch.from_numpy(np.ascontiguousarray(value, value.dtype.newbyteorder("=")).reshape(value.shape))
        except TypeError as error:
            raise LeptonError(what, f"it has dtype {value.dtype}", "Convert it to numbers") from error
    if not isinstance(value, torch.Tensor):
        raise LeptonError(
            what, f"it is an object of type {type(value).__name__}", "Give tensors alone, by name: model.state_dict()"
        )
    if value.layout != torch.strided or value.is_quantized or value.device.type == "meta":
        kind = "quantized" if value.is_quantized else f"{value.layout} on {value.device.type}"
        raise LeptonError(what, f"it is {kind}, accepted are dense tensors with data", "Convert it to a dense tensor")
    if value.dtype not in _SAFETENSORS:
        raise LeptonError(what, f"it has dtype {value.dtype}, which safetensors has not", "Convert it")
    tensor = value.detach().cpu().resolve_conj().resolve_neg()
    return Blob(
        _SAFETENSORS[tensor.dtype],
        tuple(tensor.shape),
        tensor.numel() * tensor.element_size(),
        _Bytes(tensor),
    )


class _Bytes:
    """The bytes of a tensor, copied only when they are asked for."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self._tensor = tensor

    def __iter__(self) -> Iterator[memoryview]:
        if self._tensor.numel():
            yield self._tensor.contiguous().flatten().view(torch.uint8).numpy().data
