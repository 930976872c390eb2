"""A plugin that comes as a distribution: one pass over text models, which needs no library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from lepton_rules.plugin import Pass, hookimpl, option


@dataclass(frozen=True, kw_only=True)
class ShortenConfig:
    """Cuts lines."""

    VERSION: ClassVar[int] = 1
    width: int = option(10, doc="Characters that stay.", minimum=1)


@hookimpl
def lepton_passes() -> Sequence[Pass]:
    return [
        Pass(
            name="shorten",
            consumes="text",
            produces="text",
            config=ShortenConfig,
            implementation="lepton_plugin_pocket.shorten:shorten",
        )
    ]
