"""The `onnx` plugin: imports ONNX models, checks, optimises and quantizes them.

Only descriptors here; the code behind each is imported when it is used.
"""

from __future__ import annotations

from collections.abc import Sequence

from lepton_plugin_onnx import configs
from lepton_rules.plugin import Importer, Pass, Slot, hookimpl

__version__ = "0.1.0"


@hookimpl
def lepton_importers() -> Sequence[Importer]:
    """The importer of .onnx files."""
    return [
        Importer(
            name="onnx",
            produces="onnx",
            config=configs.ImportConfig,
            implementation="lepton_plugin_onnx.importer:import_onnx",
            saves={"onnx.onnx_ml_pb2.ModelProto": "lepton_plugin_onnx.memory:save"},
            loads="lepton_plugin_onnx.memory:load",
        )
    ]


@hookimpl
def lepton_passes() -> Sequence[Pass]:
    """The passes, all from ONNX to ONNX."""
    return [
        Pass(
            name="check",
            consumes="onnx",
            produces="onnx",
            config=configs.CheckConfig,
            implementation="lepton_plugin_onnx.check:check",
        ),
        Pass(
            name="infer_shapes",
            consumes="onnx",
            produces="onnx",
            config=configs.InferShapesConfig,
            implementation="lepton_plugin_onnx.infer_shapes:infer_shapes",
        ),
        Pass(
            name="optimize",
            consumes="onnx",
            produces="onnx",
            config=configs.OptimizeConfig,
            implementation="lepton_plugin_onnx.optimize:optimize",
        ),
        Pass(
            name="quantize",
            consumes="onnx",
            produces="onnx",
            config=configs.QuantizeConfig,
            slots=(Slot(name="calibration", doc="Samples that the ranges of activations are taken from."),),
            requires=("int8",),
            implementation="lepton_plugin_onnx.quantize:quantize",
        ),
        Pass(
            name="quantize_dynamic",
            consumes="onnx",
            produces="onnx",
            config=configs.QuantizeDynamicConfig,
            requires=("int8", "int8_dynamic"),
            implementation="lepton_plugin_onnx.quantize_dynamic:quantize_dynamic",
        ),
        Pass(
            name="to_fp16",
            consumes="onnx",
            produces="onnx",
            config=configs.ToFp16Config,
            requires=("fp16",),
            preserves_signature=False,
            implementation="lepton_plugin_onnx.to_fp16:to_fp16",
        ),
    ]
