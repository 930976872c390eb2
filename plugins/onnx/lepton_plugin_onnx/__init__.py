"""The `onnx` plugin: imports ONNX models, checks, optimises and quantizes them.

Only descriptors here; the code behind each is imported when it is used.
"""

from __future__ import annotations

from collections.abc import Sequence

from lepton_plugin_onnx import configs, graph_configs
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
        Pass(
            name="fuse_transformer",
            consumes="onnx",
            produces="onnx",
            config=graph_configs.FuseTransformerConfig,
            requires=("onnxruntime_operators",),
            implementation="lepton_plugin_onnx.fuse_transformer:fuse_transformer",
        ),
        Pass(
            name="residuals_as_sum",
            consumes="onnx",
            produces="onnx",
            config=graph_configs.ResidualsAsSumConfig,
            implementation="lepton_plugin_onnx.residuals_as_sum:residuals_as_sum",
        ),
        Pass(
            name="fix_shapes",
            consumes="onnx",
            produces="onnx",
            config=graph_configs.FixShapesConfig,
            preserves_signature=False,
            implementation="lepton_plugin_onnx.fix_shapes:fix_shapes",
        ),
        Pass(
            name="fold_batch_norm",
            consumes="onnx",
            produces="onnx",
            config=graph_configs.FoldBatchNormConfig,
            implementation="lepton_plugin_onnx.fold_batch_norm:fold_batch_norm",
        ),
        Pass(
            name="remove_dead_branches",
            consumes="onnx",
            produces="onnx",
            config=graph_configs.RemoveDeadBranchesConfig,
            preserves_signature=False,
            implementation="lepton_plugin_onnx.remove_dead_branches:remove_dead_branches",
        ),
        Pass(
            name="set_input_layout",
            consumes="onnx",
            produces="onnx",
            config=graph_configs.SetInputLayoutConfig,
            preserves_signature=False,
            implementation="lepton_plugin_onnx.set_input_layout:set_input_layout",
        ),
        Pass(
            name="smooth_quant",
            consumes="onnx",
            produces="onnx",
            config=configs.SmoothQuantConfig,
            slots=(Slot(name="calibration", doc="Samples that the magnitudes of activations are taken from."),),
            implementation="lepton_plugin_onnx.smooth_quant:smooth_quant",
        ),
        Pass(
            name="quantize_weights",
            consumes="onnx",
            produces="onnx",
            config=configs.QuantizeWeightsConfig,
            implementation="lepton_plugin_onnx.quantize_weights:quantize_weights",
        ),
        Pass(
            name="to_bf16",
            consumes="onnx",
            produces="onnx",
            config=configs.ToBf16Config,
            requires=("bf16",),
            implementation="lepton_plugin_onnx.to_bf16:to_bf16",
        ),
        Pass(
            name="quantize_by_sensitivity",
            consumes="onnx",
            produces="onnx",
            config=configs.QuantizeBySensitivityConfig,
            slots=(Slot(name="calibration", doc="Samples that ranges are taken from and layers are ranked on."),),
            requires=("int8",),
            implementation="lepton_plugin_onnx.quantize_by_sensitivity:quantize_by_sensitivity",
        ),
        Pass(
            name="quantize_to_accuracy",
            consumes="onnx",
            produces="onnx",
            config=configs.QuantizeToAccuracyConfig,
            slots=(
                Slot(name="calibration", doc="Samples that ranges are taken from and layers are ranked on."),
                Slot(name="validation", doc="Samples with labels that the accuracy is measured on."),
            ),
            requires=("int8",),
            implementation="lepton_plugin_onnx.quantize_to_accuracy:quantize_to_accuracy",
        ),
    ]
