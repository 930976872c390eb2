"""The hooks. A plugin's entry module implements those that it needs, each marked `@hookimpl`.

Every hook takes nothing and returns a list or tuple of descriptors. It must stay light: it runs at load, in every
action and in the generator, where the plugin's libraries may not even be installed.
"""

from __future__ import annotations

from collections.abc import Sequence

import pluggy

from lepton_rules.plugin.descriptors import Exporter, Importer, Metric, Packager, Pass, Runtime, Target

PROJECT = "lepton_rules"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def lepton_importers() -> Sequence[Importer]:
    """Registers what turns a user's files into a model.

    Returns:
        Importers, their names unique in this plugin.

    Example:

        @hookimpl
        def lepton_importers() -> Sequence[Importer]:
            return [Importer(name="onnx", produces="onnx", implementation="lepton_plugin_onnx.importer:import_onnx")]

    and in `lepton_plugin_onnx/importer.py`:

        def import_onnx(context: ImportContext) -> ModelFacts:
            shutil.copyfile(context.sources[0], context.output / "model.onnx")
            return facts_of(context.output / "model.onnx")
    """
    raise NotImplementedError


@hookspec
def lepton_passes() -> Sequence[Pass]:
    """Registers what changes a model.

    Returns:
        Passes, their names unique in this plugin.

    Example:

        @dataclass(frozen=True, kw_only=True)
        class QuantizeConfig:
            \"\"\"Quantizes weights and activations to 8 bits.\"\"\"

            VERSION: ClassVar[int] = 1
            per_channel: bool = option(True, doc="One scale a channel.", requires={"true": "int8_per_channel"})

        @hookimpl
        def lepton_passes() -> Sequence[Pass]:
            return [
                Pass(
                    name="quantize",
                    consumes="onnx",
                    produces="onnx",
                    config=QuantizeConfig,
                    implementation="lepton_plugin_onnx.quantize:quantize",
                    slots=(Slot(name="calibration", doc="Samples that the ranges are taken from."),),
                    requires=("int8",),
                )
            ]
    """
    raise NotImplementedError


@hookspec
def lepton_exporters() -> Sequence[Exporter]:
    """Registers what turns a model into another format; an artifact inserts one where a pass or a chip needs it.

    Returns:
        Exporters, their names unique in this plugin.

    Example:

        @hookimpl
        def lepton_exporters() -> Sequence[Exporter]:
            return [
                Exporter(
                    name="pytorch_to_onnx",
                    consumes="pytorch",
                    produces="onnx",
                    implementation="lepton_plugin_torch.export:to_onnx",
                )
            ]
    """
    raise NotImplementedError


@hookspec
def lepton_runtimes() -> Sequence[Runtime]:
    """Registers what runs a model, for accuracy and latency.

    Returns:
        Runtimes, their names unique in this plugin.

    Example:

        @hookimpl
        def lepton_runtimes() -> Sequence[Runtime]:
            return [Runtime(name="onnxruntime", consumes=("onnx",), implementation="my_plugin.runtime:MyRuntime")]

    and in `my_plugin/runtime.py`:

        class MyRuntime:
            def __init__(self, context: RuntimeContext) -> None: ...
            def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]: ...
            def close(self) -> None: ...
    """
    raise NotImplementedError


@hookspec
def lepton_metrics() -> Sequence[Metric]:
    """Registers what judges a model's outputs; a budget bounds the number that it returns.

    Returns:
        Metrics, their names unique in this plugin.

    Example:

        @hookimpl
        def lepton_metrics() -> Sequence[Metric]:
            return [
                Metric(name="agreement", needs_baseline=True, implementation="lepton_plugin_metrics.agree:agreement"),
            ]
    """
    raise NotImplementedError


@hookspec
def lepton_targets() -> Sequence[Target]:
    """Registers chips.

    Returns:
        Targets, their names unique in this plugin.

    Example:

        @hookimpl
        def lepton_targets() -> Sequence[Target]:
            return [
                Target(
                    name="tensorrt",
                    runtime="onnxruntime",
                    accepts=("onnx",),
                    capabilities=("int8", "int8_activations", "int8_per_channel", "int8_symmetric"),
                    pass_defaults={"onnx.quantize": {"activation_type": "int8", "activation_symmetric": True}},
                    options={"trt_int8_enable": "1"},
                    available="cuda",
                )
            ]
    """
    raise NotImplementedError


@hookspec
def lepton_packagers() -> Sequence[Packager]:
    """Registers what packs a model for deployment: which files go to which layer of an image, and how it starts.

    Returns:
        Packagers, their names unique in this plugin.

    Example:

        @hookimpl
        def lepton_packagers() -> Sequence[Packager]:
            return [
                Packager(name="bundle", layers={"model": ("model",)}, implementation="my_plugin.bundle:bundle"),
            ]

    and in `my_plugin/bundle.py`:

        def bundle(context: PackageContext) -> Package:
            entries = (PackedEntry(path=f"/bundle/{context.name}", source="model"),)
            return Package(layers={"model": PackedLayer(entries=entries)})
    """
    raise NotImplementedError
