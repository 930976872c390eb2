"""A plugin for tests, whose models are lines of text and which needs no library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from lepton_rules.plugin import Exporter, Importer, Pass, Runtime, Slot, Target, hookimpl, option

__version__ = "1.2.3"


@dataclass(frozen=True, kw_only=True)
class ShortenConfig:
    """Cuts each line."""

    VERSION: ClassVar[int] = 2
    width: int = option(10, doc="Characters that stay.", minimum=1, maximum=100, requires={"4": "int4_weights"})
    side: Literal["left", "right"] = option("left", doc="Which of them.")


@dataclass(frozen=True, kw_only=True)
class JoinConfig:
    """Joins the lines to one."""

    VERSION: ClassVar[int] = 1
    mark: str = option(doc="What stands between them.")


@hookimpl
def lepton_importers() -> Sequence[Importer]:
    return [
        Importer(
            name="text",
            produces="words",
            implementation="lepton_plugin_words.work:read",
            saves={"collections.UserString": "lepton_plugin_words.work:save"},
            loads="lepton_plugin_words.work:load",
        )
    ]


@hookimpl
def lepton_passes() -> Sequence[Pass]:
    return [
        Pass(
            name="shorten",
            consumes="words",
            produces="words",
            config=ShortenConfig,
            implementation="lepton_plugin_words.work:shorten",
        ),
        Pass(
            name="shuffle_lines",
            consumes="words",
            produces="words",
            requires=("int8",),
            implementation="lepton_plugin_words.work:shuffle",
        ),
        Pass(
            name="shuffle_words",
            consumes="line",
            produces="line",
            implementation="lepton_plugin_words.work:shuffle",
        ),
        Pass(
            name="append",
            consumes="words",
            produces="words",
            slots=(
                Slot(name="more", doc="Whose words are appended."),
                Slot(name="other", kind="model", required=False, doc="Whose lines are appended."),
            ),
            implementation="lepton_plugin_words.work:append",
        ),
        Pass(
            name="witness",
            consumes="words",
            produces="words",
            implementation="lepton_plugin_words.work:witness",
        ),
        Pass(
            name="fail",
            consumes="words",
            produces="words",
            implementation="lepton_plugin_words.work:fail",
        ),
        Pass(
            name="count",
            consumes="line",
            produces="line",
            implementation="lepton_plugin_words.work:count",
        ),
    ]


@hookimpl
def lepton_exporters() -> Sequence[Exporter]:
    return [
        Exporter(
            name="join",
            consumes="words",
            produces="line",
            config=JoinConfig,
            implementation="lepton_plugin_words.work:join",
        )
    ]


@hookimpl
def lepton_runtimes() -> Sequence[Runtime]:
    return [Runtime(name="reader", consumes=("line",), implementation="lepton_plugin_words.work:Reader")]


@hookimpl
def lepton_targets() -> Sequence[Target]:
    return [
        Target(
            name="narrow",
            runtime="reader",
            accepts=("words", "line"),
            capabilities=("int8",),
            pass_defaults={"words.shorten": {"width": 3}},
            options={"font": "small"},
            doc="A narrow screen.",
        ),
        Target(
            name="printer",
            runtime="reader",
            accepts=("line",),
            pass_defaults={"words.join": {"mark": "+"}},
            doc="Prints one line.",
        ),
    ]
