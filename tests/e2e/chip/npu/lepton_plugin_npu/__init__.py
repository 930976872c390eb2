"""The plugin of the NPU, a chip that does not exist: its pass, its compiler, its driver and what it can do.

Only descriptors here; numpy and onnx are imported when a component is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from lepton_plugin_npu.chip import FORMAT, LANES
from lepton_rules.plugin import Exporter, Pass, Runtime, Target, hookimpl, option

__version__ = "1.2.0"


@dataclass(frozen=True, kw_only=True)
class PadChannelsConfig:
    """Gives each convolution channels of zeros, up to a multiple of what the chip computes in one step."""

    VERSION: ClassVar[int] = 1
    multiple: int = option(1, doc="Of how many channels; 1 leaves the network as it is.", minimum=1, maximum=1024)


@hookimpl
def lepton_passes() -> Sequence[Pass]:
    """What a network needs before it is quantized for the chip."""
    return [
        Pass(
            name="pad_channels",
            consumes="onnx",
            produces="onnx",
            config=PadChannelsConfig,
            implementation="lepton_plugin_npu.padding:pad_channels",
        )
    ]


@hookimpl
def lepton_exporters() -> Sequence[Exporter]:
    """The compiler."""
    return [
        Exporter(
            name="compile",
            consumes="onnx",
            produces=FORMAT,
            implementation="lepton_plugin_npu.compiler:compile_network",
            doc="Compiles a quantized network into a program of the NPU: integers alone.",
        )
    ]


@hookimpl
def lepton_runtimes() -> Sequence[Runtime]:
    """The driver."""
    return [
        Runtime(
            name="driver",
            consumes=(FORMAT,),
            implementation="lepton_plugin_npu.driver:Driver",
            doc="Runs a program on the NPU; here, where there is none, on its simulator.",
        )
    ]


@hookimpl
def lepton_targets() -> Sequence[Target]:
    """The one chip that is made so far: 8-bit integers around zero, one scale for each weight tensor."""
    return [
        Target(
            name="npu_v1",
            runtime="driver",
            accepts=(FORMAT,),
            capabilities=("dynamic_shapes", "int8", "int8_activations", "int8_full_range", "int8_symmetric"),
            pass_defaults={
                "npu.pad_channels": {"multiple": LANES},
                "onnx.quantize": {
                    "activation_symmetric": True,
                    "activation_type": "int8",
                    "per_channel": False,
                    "quantize_bias": True,
                },
            },
            available="npu_v1",
            doc="The first NPU.",
        )
    ]
