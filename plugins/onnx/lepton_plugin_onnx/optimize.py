"""Constant folding and fusion by onnxruntime at its BASIC level: what is the same on every machine.

Higher levels put in kernels of the machine that ran them (EXTENDED is onnxruntime's own operators, ALL is the CPU's
data layout), so their result is for a session to make and not for an artifact to carry.
https://onnxruntime.ai/docs/performance/model-optimizations/graph-optimizations.html
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from lepton_plugin_onnx.external import bring_in
from lepton_plugin_onnx.files import parse, read_model, runnable_path
from lepton_plugin_onnx.finish import finish
from lepton_plugin_onnx.graphs import nodes_of
from lepton_plugin_onnx.native import session
from lepton_plugin_onnx.structure import tensors_of
from lepton_rules.plugin import LeptonError, ModelFacts, PassContext
from lepton_rules.plugin.onnx_canonical import DATA_FILE

_EXTERNAL_FROM_BYTES = 1 << 10


def optimize(context: PassContext) -> ModelFacts:
    """Writes the folded and fused model. LeptonError where onnxruntime does not load it, or would change its
    precision."""
    before = read_model(context.model.path)
    nodes_before = sum(1 for _ in nodes_of(before.graph))
    casts_before = _casts(before)
    weights = context.model.path / DATA_FILE  # there only for a large model
    names = [[value.name for value in values] for values in (before.graph.input, before.graph.output)]
    del before
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        saved = folder / "optimized.onnx"

        def configure(options: Any) -> None:
            options.optimized_model_filepath = str(saved)
            key = "optimization.constant_folding_max_output_size_in_bytes"
            options.add_session_config_entry(key, str(context.config.max_folded_bytes))
            if weights.exists():
                prefix = "session.optimized_model_external_initializers"
                options.add_session_config_entry(f"{prefix}_file_name", "optimized.data")
                options.add_session_config_entry(f"{prefix}_min_size_in_bytes", str(_EXTERNAL_FROM_BYTES))

        source = runnable_path(context.model.path, folder)
        session(source, threads=context.threads, level="ORT_ENABLE_BASIC", configure=configure)
        model = parse(saved, "onnxruntime's optimized model")
        bring_in(tensors_of(model, "the model"), [path for path in (folder / "optimized.data",) if path.exists()])
    if _casts(model) > casts_before:
        raise LeptonError(
            "pass onnx.optimize",
            "the model computes in float16, which onnxruntime would store as float32 between casts",
            "Put onnx.optimize before onnx.to_fp16",
        )
    if [[value.name for value in values] for values in (model.graph.input, model.graph.output)] != names:
        raise LeptonError("pass onnx.optimize", "onnxruntime changed the model's signature", "Leave this pass out")
    nodes_after = sum(1 for _ in nodes_of(model.graph))
    return finish(model, context.output, {"nodes_before": nodes_before, "nodes_after": nodes_after})


def _casts(model: Any) -> int:
    """Casts to float32, which onnxruntime inserts around what its CPU kernels cannot compute in half precision."""
    return sum(
        1
        for node in nodes_of(model.graph)
        if node.op_type == "Cast" and any(a.name == "to" and a.i == 1 for a in node.attribute)
    )
