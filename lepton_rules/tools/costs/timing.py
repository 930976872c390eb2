"""Times of networks in onnxruntime on this machine."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

_LEAST_SECONDS = 0.001  # of a sample: the clock and its call are nothing next to it


def microseconds(models: Sequence[onnx.ModelProto], threads: int, repeats: int) -> list[float]:
    """The median time of one call of each model, in a session as the plugin onnxruntime makes it.

    Models take turns, so that a machine that slows down slows all of them.
    """
    calls = [_call(model, threads) for model in models]
    counts = [max(1, math.ceil(_LEAST_SECONDS / _seconds(call, 1))) for call in calls]
    samples = [[_seconds(call, count) for call, count in zip(calls, counts, strict=True)] for _ in range(repeats)]
    return [1e6 * statistics.median(times) for times in zip(*samples, strict=True)]


def _call(model: onnx.ModelProto, threads: int) -> Callable[[], object]:
    import numpy as np
    import onnxruntime
    from onnx import helper

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.inter_op_num_threads = 1
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    tensor = model.graph.input[0].type.tensor_type
    shape = [dimension.dim_value for dimension in tensor.shape.dim]
    value = np.full(shape, 1, helper.tensor_dtype_to_np_dtype(tensor.elem_type))
    return lambda: session.run(None, {"x": value})


def _seconds(call: Callable[[], object], count: int) -> float:
    """Of one call among so many in a row, after one that brings the caches back."""
    call()
    start = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - start) / count
