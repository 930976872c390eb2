"""Weights in blocks of integers: every `block_size` values along one axis share a scale and a zero point.

The value is (q - zero point) * scale, as ONNX's DequantizeLinear has it from operator set 21 on
(https://onnx.ai/onnx/operators/onnx__DequantizeLinear.html#l-onnx-doc-dequantizelinear, blocked quantization), and as
onnxruntime's MatMulNBits has it
(https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.MatMulNBits).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_CHUNK_ELEMENTS = 1 << 22
_LEVELS = (-1.0, -0.5, 0.0, 0.5, 1.0)  # added to 2^(bits-1): steps between 0 and the largest magnitude


@dataclass(frozen=True)
class Blocks:
    """Quantized weights, the blocked axis first.

    Args:
        values: [K, N] integers: int8 from -2^(bits-1) on where `symmetric`, else uint8 from 0 on.
        scales: [blocks, N] float32, greater than 0.
        zero_points: [blocks, N] uint8; None where `symmetric`.
        error: sum of the squared differences to the weights.
        power: sum of the squared weights.
    """

    values: Array
    scales: Array
    zero_points: Array | None
    error: float
    power: float


def quantize_blocks(weights: Array, bits: int, block_size: int, symmetric: bool) -> Blocks:
    """Rounds [K, N] floats to `bits` bits; the last block of a column may be short.

    Symmetric: q = clip(round(w / s)), s = max|w| / c with the c of _LEVELS, about 2^(bits-1), that loses least in the
    squares: a greater c clips the largest weight a little and is finer for all others.
    Asymmetric: the block's range, widened to hold 0, in 2^bits - 1 steps, with z = round(-low / s).
    """
    import numpy as np

    rows, columns = weights.shape
    count = -(-rows // block_size)
    values = np.empty((rows, columns), np.int8 if symmetric else np.uint8)
    scales = np.empty((count, columns), np.float32)
    zero_points = None if symmetric else np.empty((count, columns), np.uint8)
    error = power = 0.0
    step = max(1, _CHUNK_ELEMENTS // (count * block_size))
    for start in range(0, columns, step):
        chunk = slice(start, start + step)
        padded = np.zeros((count * block_size, weights[:, chunk].shape[1]), np.float32)
        padded[:rows] = weights[:, chunk]
        blocks = padded.reshape(count, block_size, -1)
        if symmetric:
            quantized, scale, lost = _symmetric(blocks, bits)
        else:
            quantized, scale, zero, lost = _asymmetric(blocks, bits)
            assert zero_points is not None
            zero_points[:, chunk] = zero
        error += float(lost.sum(dtype=np.float64))
        power += float(np.einsum("abc,abc->", blocks, blocks, dtype=np.float64))
        values[:, chunk] = quantized.reshape(count * block_size, -1)[:rows]
        scales[:, chunk] = scale
    return Blocks(values, scales, zero_points, error, power)


def _symmetric(blocks: Array, bits: int) -> tuple[Array, Array, Array]:
    """Values, scales and squared errors of [blocks, size, columns]."""
    import numpy as np

    half = 2 ** (bits - 1)
    largest = np.abs(blocks).max(1)
    best_values = best_scale = best_lost = None
    for offset in _LEVELS:
        scale = _usable(largest / np.float32(half + offset))
        quantized = np.clip(np.rint(blocks / scale[:, None]), -half, half - 1)
        lost = _squares(quantized * scale[:, None] - blocks)
        if best_values is None or best_scale is None or best_lost is None:
            best_values, best_scale, best_lost = quantized, scale, lost
            continue
        better = lost < best_lost
        best_scale, best_lost = np.where(better, scale, best_scale), np.where(better, lost, best_lost)
        best_values = np.where(better[:, None], quantized, best_values)
    assert best_values is not None and best_scale is not None and best_lost is not None
    return best_values, best_scale, best_lost


def _asymmetric(blocks: Array, bits: int) -> tuple[Array, Array, Array, Array]:
    """Values, scales, zero points and squared errors of [blocks, size, columns]."""
    import numpy as np

    low, high = np.minimum(blocks.min(1), 0), np.maximum(blocks.max(1), 0)
    scale = _usable((high - low) / np.float32(2**bits - 1))
    zero = np.rint(-low / scale)
    quantized = np.clip(np.rint(blocks / scale[:, None]) + zero[:, None], 0, 2**bits - 1)
    return quantized, scale, zero, _squares((quantized - zero[:, None]) * scale[:, None] - blocks)


def _usable(scale: Array) -> Array:
    """The scales, 1 where a block has nothing that float32 can scale."""
    import numpy as np

    return np.where(scale < np.finfo(np.float32).tiny, np.float32(1), scale)


def _squares(difference: Array) -> Array:
    import numpy as np

    total: Array = np.einsum("abc,abc->ac", difference, difference)
    return total


def pack_nibbles(values: Array) -> bytes:
    """4-bit integers in order, two a byte, the first in the low half, as TensorProto has them."""
    import numpy as np

    flat = values.reshape(-1).astype(np.uint8) & 0xF
    if flat.size % 2:
        flat = np.append(flat, np.uint8(0))
    return bytes((flat[0::2] | flat[1::2] << 4).tobytes())


def pack_columns(blocks: Blocks, bits: int, block_size: int) -> tuple[Array, Array, Array | None]:
    """The weights, scales and zero points as MatMulNBits takes them.

    Returns:
        uint8 [N, blocks, block_size * bits / 8], values from 0 on; float32 [N, blocks]; uint8
        [N, ceil(blocks * bits / 8)], None where the zero point is the middle.
    """
    import numpy as np

    rows, columns = blocks.values.shape
    count = len(blocks.scales)
    middle = 2 ** (bits - 1) if blocks.zero_points is None else 0
    padded = np.full((count * block_size, columns), middle, np.uint8)
    padded[:rows] = blocks.values.astype(np.int16) + middle
    packed = padded.T.reshape(columns, count, block_size)
    zeros = blocks.zero_points
    turned = None if zeros is None else np.ascontiguousarray(zeros.T)
    if bits == 4:
        packed = packed[..., 0::2] | packed[..., 1::2] << 4
        if turned is not None:
            turned = np.pad(turned, ((0, 0), (0, count % 2)))
            turned = turned[:, 0::2] | turned[:, 1::2] << 4
    return np.ascontiguousarray(packed), np.ascontiguousarray(blocks.scales.T), turned
