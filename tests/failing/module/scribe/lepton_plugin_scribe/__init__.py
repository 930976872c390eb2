"""A runtime that takes texts as they are, and as long as they say."""

from dataclasses import dataclass
from typing import ClassVar

from lepton_rules.plugin import Runtime, Target, hookimpl

__version__ = "1.0.0"


@dataclass(frozen=True)
class Pace:
    """Reads a word in a given time."""

    VERSION: ClassVar[int] = 1


@hookimpl
def lepton_runtimes() -> list[Runtime]:
    return [
        Runtime(name="reader", consumes=("text",), config=Pace, implementation="lepton_plugin_scribe.reader:Reader"),
        Runtime(name="typist", consumes=("text",), config=Pace, implementation="lepton_plugin_scribe.reader:Reader"),
    ]


@hookimpl
def lepton_targets() -> list[Target]:
    return [
        Target(name="desk", runtime="reader", accepts=("text",), capabilities=("int8",)),
        Target(name="typewriter", runtime="typist", accepts=("text",), capabilities=("int8",)),
    ]
