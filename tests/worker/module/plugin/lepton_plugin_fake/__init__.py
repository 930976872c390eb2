"""A plugin whose one pass behaves as its configuration says."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from lepton_rules.plugin import Pass, hookimpl, option

__version__ = "1.0.0"


@dataclass(frozen=True, kw_only=True)
class Config:
    """Does as it is told."""

    VERSION: ClassVar[int] = 1
    do: str = option(doc="The behaviour's name.")
    options: dict[str, str] = option({}, doc="The behaviour's flags.")


@hookimpl
def lepton_passes() -> Sequence[Pass]:
    """The pass `behave`."""
    implementation = "lepton_plugin_fake.passing:behave"
    return [Pass(name="behave", implementation=implementation, config=Config, consumes="onnx", produces="onnx")]
