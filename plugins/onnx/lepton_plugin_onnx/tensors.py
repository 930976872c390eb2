"""What a TensorProto declares against what it holds: nothing is allocated for a size that is not there.

Payload fields by element type: https://github.com/onnx/onnx/blob/main/onnx/onnx.in.proto (message TensorProto).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lepton_rules.plugin import LeptonError

if TYPE_CHECKING:
    import numpy as np
    import onnx

MAX_RANK = 64  # numpy's limit

# Element type by name to (bits of an element in raw_data, field for typed payload, elements in one entry of that
# field).
_PAYLOAD: dict[str, tuple[int, str, float]] = {
    "FLOAT": (32, "float_data", 1),
    "UINT8": (8, "int32_data", 1),
    "INT8": (8, "int32_data", 1),
    "UINT16": (16, "int32_data", 1),
    "INT16": (16, "int32_data", 1),
    "INT32": (32, "int32_data", 1),
    "INT64": (64, "int64_data", 1),
    "STRING": (0, "string_data", 1),
    "BOOL": (8, "int32_data", 1),
    "FLOAT16": (16, "int32_data", 1),
    "DOUBLE": (64, "double_data", 1),
    "UINT32": (32, "uint64_data", 1),
    "UINT64": (64, "uint64_data", 1),
    "COMPLEX64": (64, "float_data", 0.5),
    "COMPLEX128": (128, "double_data", 0.5),
    "BFLOAT16": (16, "int32_data", 1),
    "FLOAT8E4M3FN": (8, "int32_data", 1),
    "FLOAT8E4M3FNUZ": (8, "int32_data", 1),
    "FLOAT8E5M2": (8, "int32_data", 1),
    "FLOAT8E5M2FNUZ": (8, "int32_data", 1),
    "FLOAT8E8M0": (8, "int32_data", 1),
    "UINT4": (4, "int32_data", 2),
    "INT4": (4, "int32_data", 2),
    "FLOAT4E2M1": (4, "int32_data", 2),
    "UINT2": (2, "int32_data", 4),
    "INT2": (2, "int32_data", 4),
}
_TYPED_FIELDS = ("float_data", "int32_data", "int64_data", "double_data", "uint64_data", "string_data")
_FLOATS = frozenset(name for name in _PAYLOAD if name.startswith(("FLOAT", "DOUBLE", "BFLOAT", "COMPLEX")))
_CHUNK_BYTES = 1 << 24
_FIX = "Convert the model again, and give the whole file"


def element_count(dims: Any) -> int:
    """The number of elements of a tensor with these dimensions (1 for a scalar)."""
    return math.prod(dims)


def byte_count(tensor: onnx.TensorProto) -> int:
    """The bytes of a tensor's elements as raw_data has them; its type must be one that `check_tensor` accepts."""
    from onnx import TensorProto

    bits = _PAYLOAD[TensorProto.DataType.Name(tensor.data_type)][0]
    return (element_count(tensor.dims) * bits + 7) // 8


def is_external(tensor: onnx.TensorProto) -> bool:
    """Whether the tensor's elements are, or claim to be, in another file."""
    return bool(tensor.data_location == 1 or len(tensor.external_data))


def check_tensor(tensor: onnx.TensorProto, what: str) -> None:
    """LeptonError, about `what`, unless the tensor holds exactly the elements that it declares.

    A tensor whose elements are in another file is checked as far as its dimensions and type.
    """
    from onnx import TensorProto

    if len(tensor.dims) > MAX_RANK:
        raise LeptonError(what, f"it has {len(tensor.dims)} dimensions, at most {MAX_RANK} are accepted", _FIX)
    if any(dim < 0 for dim in tensor.dims):
        raise LeptonError(what, f"its dimensions {list(tensor.dims)} are not all from 0 on", _FIX)
    try:
        type_name = TensorProto.DataType.Name(tensor.data_type)
        bits, typed_field, elements_per_entry = _PAYLOAD[type_name]
    except (ValueError, KeyError):
        raise LeptonError(what, f"its element type is {tensor.data_type}, which is none that is known", _FIX) from None
    if tensor.HasField("segment"):
        raise LeptonError(what, "it is one segment of a tensor, which nothing reads", _FIX)

    typed = {name: len(getattr(tensor, name)) for name in _TYPED_FIELDS if len(getattr(tensor, name))}
    raw = len(tensor.raw_data)
    if is_external(tensor):
        if typed or raw or tensor.data_location != 1 or type_name == "STRING":
            raise LeptonError(what, "it is both here and in another file", _FIX)
        return
    count = element_count(tensor.dims)
    if typed_field in typed and len(typed) == 1 and not raw:
        have, expected, unit = typed[typed_field], math.ceil(count / elements_per_entry), f"entries of {typed_field}"
    elif typed:
        fields = ", ".join([*typed, *(["raw_data"] if raw else [])])
        raise LeptonError(what, f"it is {type_name} and has {fields}, where one of them is accepted", _FIX)
    elif type_name == "STRING":
        have, expected, unit = 0, count, "strings"
    else:
        have, expected, unit = raw, (count * bits + 7) // 8, "bytes"
    if have != expected:
        shape = f"{type_name}{list(tensor.dims)}"
        raise LeptonError(what, f"it declares {shape}, which is {expected} {unit}, and {have} are there", _FIX)


def check_finite(tensor: onnx.TensorProto, what: str) -> None:
    """LeptonError, about `what`, for a tensor of floating point with a NaN or with an infinite weight.

    Infinite values are accepted where they are no weight: alone in their tensor (a bound), or in a mask, where every
    value is 0, 1 or infinite. The tensor holds its elements (raw or typed).
    """
    from onnx import TensorProto

    if TensorProto.DataType.Name(tensor.data_type) not in _FLOATS:
        return
    import numpy as np

    nans = infinities = 0
    for values in _chunks(tensor):
        if not np.isfinite(values).all():
            nans += int(np.isnan(values).sum())
            infinities += int(np.isinf(values).sum())
    fix = "Train or convert it again, or set accept_non_finite where this is meant"
    count = element_count(tensor.dims)
    if nans:
        raise LeptonError(what, f"{nans} of its {count} values are NaN", fix)
    mask = (np.isin(values, (0, 1, np.inf, -np.inf)).all() for values in _chunks(tensor))
    if infinities and count > 1 and not all(mask):
        raise LeptonError(what, f"{infinities} of its {count} values are infinite", fix)


def _chunks(tensor: onnx.TensorProto) -> Iterator[np.ndarray[Any, Any]]:
    """The elements of a floating-point tensor, some megabytes at a time, in a type that numpy computes with."""
    import numpy as np
    from onnx import helper, numpy_helper

    dtype = np.dtype(helper.tensor_dtype_to_np_dtype(tensor.data_type))
    if tensor.raw_data and dtype.kind in "fc":
        flat = np.frombuffer(tensor.raw_data, dtype.newbyteorder("<"))
    else:
        flat = numpy_helper.to_array(tensor).reshape(-1)
    step = max(1, _CHUNK_BYTES // dtype.itemsize)
    for start in range(0, len(flat), step):
        chunk = flat[start : start + step]
        yield chunk if dtype.kind in "fc" else chunk.astype(np.float32)
