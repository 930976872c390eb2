"""What this machine can do at its best with onnxruntime: a large matrix product of each precision, and copies.

The roofs of S. Williams, A. Waterman, D. Patterson, "Roofline: An Insightful Visual Performance Model for Multicore
Architectures", CACM 52 (2009); bandwidth by working set, since a small operator lives in a cache, after A. Ilic, F.
Pratas, L. Sousa, "Cache-aware Roofline Model", IEEE CAL 13 (2014). Both are taken with the kernels that models get, in
the same process and with the same threads, so that a share of them tells what the kernel leaves, not what the machine
was doing at another time.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_plugin_onnxruntime.targets import CPU
from lepton_rules.plugin import RuntimeContext
from lepton_rules.profile.protocol import Peaks

if TYPE_CHECKING:
    import numpy as np
    import onnx

    Array = np.ndarray[Any, Any]

_SIDE = 512
_PRODUCTS = 12
_COPIES = 10
# Bytes moved, read and written: what fits in a core's own cache, in the shared one, and in neither.
_WORKING_SETS = (1 << 20, 8 << 20, 128 << 20)


def peaks(context: RuntimeContext) -> Peaks:
    """The best of several runs of each, in about a second.

    Args:
      context: its hardware's provider and options, and its threads.
    """
    operations = {}
    for precision in ("float32", "int8"):
        seconds = _best(*_product(precision), _PRODUCTS, context)
        operations[precision] = 2.0 * _SIDE**3 / seconds
    bandwidth = []
    for moved in _WORKING_SETS:
        seconds = _best(*_copy(moved // 8), _COPIES, context)
        bandwidth.append((moved, moved / seconds))
    return Peaks(operations=operations, bandwidth=bandwidth)


def _product(precision: str) -> tuple[onnx.ModelProto, Array]:
    import numpy as np
    from onnx import TensorProto, helper

    rng = np.random.default_rng(0)
    shape = (_SIDE, _SIDE)
    if precision == "int8":
        left: Array = rng.integers(0, 255, shape).astype(np.uint8)
        right: Array = rng.integers(-127, 127, shape).astype(np.int8)
        node = helper.make_node("MatMulInteger", ["a", "b"], ["y"], "product")
        return _model(node, TensorProto.UINT8, TensorProto.INT32, shape, right), left
    left = rng.standard_normal(shape).astype(np.float32)
    node = helper.make_node("MatMul", ["a", "b"], ["y"], "product")
    return _model(node, TensorProto.FLOAT, TensorProto.FLOAT, shape, left), left


def _copy(values: int) -> tuple[onnx.ModelProto, Array]:
    """Reads and writes as many floats: the least that any operator does."""
    import numpy as np
    from onnx import TensorProto, helper

    node = helper.make_node("Relu", ["a"], ["y"], "copy")
    return _model(node, TensorProto.FLOAT, TensorProto.FLOAT, (values,), None), np.ones(values, np.float32)


def _model(node: Any, dtype: int, result: int, shape: tuple[int, ...], constant: Array | None) -> onnx.ModelProto:
    from onnx import helper, numpy_helper

    graph = helper.make_graph(
        [node],
        "peak",
        [helper.make_tensor_value_info("a", dtype, shape)],
        [helper.make_tensor_value_info("y", result, shape)],
        [] if constant is None else [numpy_helper.from_array(constant, "b")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def _best(model: onnx.ModelProto, data: Array, runs: int, context: RuntimeContext) -> float:
    """Seconds of the operator in its fastest run."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = context.threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_profiling = True
    own = dict(context.hardware.options if context.hardware else CPU.options)
    provider = own.pop("provider", "CPUExecutionProvider")
    with tempfile.TemporaryDirectory() as folder:
        options.profile_file_prefix = str(Path(folder) / "peak")
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=[(provider, own)])
        for _ in range(runs):
            session.run(None, {"a": data})
        trace = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    # The clock of the trace counts whole microseconds.
    return max(min(event["dur"] for event in trace if event["name"].endswith("_kernel_time")), 1) / 1e6
