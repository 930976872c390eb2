"""A plugin on text: small enough to fail in every way there is."""

from dataclasses import dataclass
from typing import ClassVar

from lepton_rules.plugin import Exporter, Importer, Pass, Runtime, Slot, Target, hookimpl, option

__version__ = "1.0.0"


@dataclass(frozen=True)
class Text:
    """Reads text files."""

    VERSION: ClassVar[int] = 1


@dataclass(frozen=True)
class Append:
    """Appends to the text."""

    VERSION: ClassVar[int] = 1
    text: str = option("!", doc="What is appended.")
    times: int = option(1, doc="How often.", minimum=1, maximum=9)
    bits: int = option(8, doc="Bits.", requires={"4": "int4_weights"})


@dataclass(frozen=True)
class Misbehave:
    """Does what a plugin must not do."""

    VERSION: ClassVar[int] = 1
    deed: str = option(doc="What it does.")


@hookimpl
def lepton_importers() -> list[Importer]:
    return [Importer(name="text", produces="text", config=Text, implementation="lepton_plugin_sample.text:read")]


@hookimpl
def lepton_passes() -> list[Pass]:
    return [
        Pass(name="append", consumes="text", produces="text", config=Append, implementation="lepton_plugin_sample.text:append"),
        Pass(name="teach", consumes="text", produces="text", config=Text, slots=(Slot(name="teacher", kind="model"),), implementation="lepton_plugin_sample.text:teach"),
        Pass(name="misbehave", consumes="text", produces="text", config=Misbehave, implementation="lepton_plugin_sample.deeds:run"),
    ]


@hookimpl
def lepton_exporters() -> list[Exporter]:
    return [Exporter(name="text_to_blob", consumes="text", produces="blob", config=Text, implementation="lepton_plugin_sample.text:export")]


@hookimpl
def lepton_runtimes() -> list[Runtime]:
    return [Runtime(name="reader", consumes=("blob",), config=Text, implementation="lepton_plugin_sample.text:Reader")]


@hookimpl
def lepton_targets() -> list[Target]:
    return [
        Target(name="page", runtime="reader", accepts=("blob",), capabilities=("int8",)),
        Target(name="wide_page", runtime="reader", accepts=("blob",), capabilities=("int8", "int4_weights")),
    ]
