"""A plugin that gives other bytes each time."""

from dataclasses import dataclass
from typing import ClassVar

from lepton_rules.plugin import Pass, hookimpl

__version__ = "1.0.0"


@dataclass(frozen=True)
class Stamp:
    """Writes the time into the text."""

    VERSION: ClassVar[int] = 1


@hookimpl
def lepton_passes() -> list[Pass]:
    return [
        Pass(
            name="stamp",
            consumes="text",
            produces="text",
            config=Stamp,
            implementation="lepton_plugin_clock.stamp:stamp",
        )
    ]
