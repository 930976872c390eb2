"""A session of onnxruntime that keeps a record of every operator.

onnxruntime's own profiler writes a trace of events (https://onnxruntime.ai/docs/performance/tune-performance/
profiling-tools.html); those of category Node whose name ends in `_kernel_time` are executions of operators, and
`SequentialExecutor::Execute` spans an inference.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_plugin_onnxruntime.profiling import peaks, sensitivity
from lepton_plugin_onnxruntime.profiling.graph import Graph
from lepton_plugin_onnxruntime.profiling.work import computes, work
from lepton_plugin_onnxruntime.runtime import OnnxRuntime
from lepton_rules.plugin import ModelDirectory, RuntimeContext
from lepton_rules.plugin.onnx_canonical import MODEL_FILE
from lepton_rules.profile.protocol import Event, Layer, Peaks, Sensitivity

if TYPE_CHECKING:
    import numpy as np
    import onnxruntime

    Array = np.ndarray[Any, Any]

_KERNEL = "_kernel_time"
_INFERENCE = "SequentialExecutor::Execute"


class OnnxProfiler(OnnxRuntime):
    """The runtime, with a record: see `lepton_rules.profile.protocol.Profiler`.

    Each operator takes about a microsecond longer than without the record.
    """

    def __init__(self, context: RuntimeContext) -> None:
        self._folder = tempfile.TemporaryDirectory()
        try:
            super().__init__(context)
            self._graph = Graph(context.model.path / MODEL_FILE)
        except BaseException:
            self._folder.cleanup()
            raise

    def _prepare(self, options: onnxruntime.SessionOptions) -> None:
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(self._folder.name) / "profile")

    def finish(self) -> list[Event]:
        """Closes the session and reads its record."""
        record = Path(self._session.end_profiling())
        self.close()
        with self._folder:
            return events(json.loads(record.read_text(encoding="utf-8")), self._graph)

    @staticmethod
    def peaks(context: RuntimeContext) -> Peaks:
        """Of the context's provider."""
        return peaks.peaks(context)

    @staticmethod
    def layers(model: ModelDirectory) -> list[Layer]:
        """Convolutions and matrix products with constant weights."""
        return [
            Layer(name=layer.name, operator=layer.operator, weights=layer.weights, precision=layer.precision)
            for layer in Graph(model.path / MODEL_FILE).layers
        ]

    @staticmethod
    def sensitivity(model: ModelDirectory, inputs: Mapping[str, Array], threads: int) -> list[Sensitivity]:
        """Weights per channel and activations per tensor, 8 bits, one layer at a time."""
        return sensitivity.sensitivity(model, inputs, threads)


def events(trace: list[dict[str, Any]], graph: Graph) -> list[Event]:
    """The executions of operators in a trace, in the order of time.

    Args:
      graph: of the model's file.
    """
    ends = sorted(int(event["ts"]) + int(event["dur"]) for event in trace if event.get("name") == _INFERENCE)
    found = []
    run = 0
    nodes = (event for event in trace if event.get("cat") == "Node" and event["name"].endswith(_KERNEL))
    for event in sorted(nodes, key=lambda event: int(event["ts"])):
        start = int(event["ts"])
        while run < len(ends) and start > ends[run]:
            run += 1
        arguments = event["args"]
        operator = arguments["op_name"]
        name = event["name"].removesuffix(_KERNEL)
        layer = None
        if computes(operator):
            layer = graph.layer_of(name, int(arguments.get("parameter_size", 0)))
        done = work(operator, arguments, layer)
        found.append(
            Event(
                run=run,
                node=name,
                layer=layer.name if layer else "",
                operator=operator,
                place=arguments.get("provider", ""),
                precision=done.precision,
                start_ns=start * 1000,
                duration_ns=int(event["dur"]) * 1000,
                operations=done.operations,
                moved_bytes=done.moved_bytes,
                constant_bytes=done.constant_bytes,
            )
        )
    return found
