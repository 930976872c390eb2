"""A second plugin on text, whose exporter leads where sample's does."""

from dataclasses import dataclass
from typing import ClassVar

from lepton_rules.plugin import Exporter, Pass, hookimpl, option

__version__ = "2.0.0"


@dataclass(frozen=True)
class Flourish:
    """Signs the text."""

    VERSION: ClassVar[int] = 1
    name: str = option("R.", doc="Who signs.")


@dataclass(frozen=True)
class Press:
    """Presses the text into a blob."""

    VERSION: ClassVar[int] = 1


@hookimpl
def lepton_passes() -> list[Pass]:
    return [
        Pass(
            name="flourish",
            consumes="text",
            produces="text",
            config=Flourish,
            implementation="lepton_plugin_rival.signing:flourish",
        )
    ]


@hookimpl
def lepton_exporters() -> list[Exporter]:
    return [
        Exporter(
            name="press",
            consumes="text",
            produces="blob",
            config=Press,
            implementation="lepton_plugin_rival.signing:press",
        )
    ]
