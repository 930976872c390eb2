"""A plugin on text: small enough to fail in every way there is."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from lepton_rules.plugin import Exporter, Importer, Pass, Runtime, Slot, Target, hookimpl, option

__version__ = "1.0.0"


@dataclass(frozen=True)
class Text:
    """Text files, one after the other."""

    VERSION: ClassVar[int] = 1


@dataclass(frozen=True)
class LateText:
    """Text files, read once a file is gone."""

    VERSION: ClassVar[int] = 1
    hold: str = option(doc="The absolute path of the file.")


@dataclass(frozen=True)
class Append:
    """Appends to the text."""

    VERSION: ClassVar[int] = 1
    text: str = option("!", doc="What is appended.")
    times: int = option(1, doc="How often.", minimum=1, maximum=9)
    bits: int = option(8, doc="Bits.", requires={"4": "int4_weights"})


@dataclass(frozen=True)
class Pack:
    """Packs the text into four bits, as far as words go."""

    VERSION: ClassVar[int] = 1
    bits: int = option(4, doc="Bits.", requires={"4": "int4_weights"})


@dataclass(frozen=True)
class Style:
    """Changes nothing, with an option of each type."""

    VERSION: ClassVar[int] = 1
    bold: bool = option(False, doc="Whether it is bold.")
    weight: float = option(1.0, doc="Its weight.", minimum=0.0, maximum=2.0)
    face: Literal["serif", "sans"] = option("serif", doc="Its face.")
    words: tuple[str, ...] = option((), doc="Words.")
    sizes: tuple[int, ...] = option((), doc="Sizes.", minimum=1)
    names: dict[str, str] = option({}, doc="Names.")
    width: int | None = option(None, doc="Its width.")


@dataclass(frozen=True)
class Reshape:
    """Changes what the model takes and gives."""

    VERSION: ClassVar[int] = 1
    dtype: str = option("float32", doc="Numbers that it takes and gives.")
    columns: int = option(2, doc="Numbers that it gives for each sample.", minimum=1)


@dataclass(frozen=True)
class Misbehave:
    """Does what a plugin must not do."""

    VERSION: ClassVar[int] = 1
    deed: str = option(doc="The function of deeds.py.")
    argument: str = option("", doc="What the function is given.")


@hookimpl
def lepton_importers() -> list[Importer]:
    return [
        Importer(name="text", produces="text", config=Text, implementation="lepton_plugin_sample.text:read"),
        Importer(name="late_text", produces="text", config=LateText, implementation="lepton_plugin_sample.deeds:read"),
    ]


@hookimpl
def lepton_passes() -> list[Pass]:
    def text_pass(name: str, config: type, implementation: str, **more: object) -> Pass:
        return Pass(
            name=name,
            consumes="text",
            produces="text",
            config=config,
            implementation=f"lepton_plugin_sample.{implementation}",
            **more,
        )

    return [
        text_pass("append", Append, "text:append"),
        text_pass("pack", Pack, "text:keep"),
        text_pass("style", Style, "text:keep"),
        text_pass("teach", Text, "text:teach", slots=(Slot(name="teacher", kind="model"),)),
        text_pass("study", Text, "text:study", slots=(Slot(name="notes", kind="dataset"),)),
        text_pass("reshape", Reshape, "text:reshape", preserves_signature=False),
        text_pass("brew", Text, "text:keep", requires=("fp8",)),
        text_pass("misbehave", Misbehave, "deeds:run"),
        text_pass("absent", Text, "nowhere:run"),
        Pass(
            name="carve",
            consumes="stone",
            produces="text",
            config=Text,
            implementation="lepton_plugin_sample.text:keep",
        ),
    ]


@hookimpl
def lepton_exporters() -> list[Exporter]:
    return [
        Exporter(
            name="text_to_blob",
            consumes="text",
            produces="blob",
            config=Text,
            implementation="lepton_plugin_sample.text:export",
        )
    ]


@hookimpl
def lepton_runtimes() -> list[Runtime]:
    return [Runtime(name="reader", consumes=("blob",), config=Text, implementation="lepton_plugin_sample.text:Reader")]


@hookimpl
def lepton_targets() -> list[Target]:
    return [
        Target(name="page", runtime="reader", accepts=("blob",), capabilities=("int8",)),
        Target(name="wide_page", runtime="reader", accepts=("blob",), capabilities=("int8", "int4_weights")),
        Target(
            name="bold_page",
            runtime="reader",
            accepts=("blob",),
            capabilities=("int8",),
            pass_defaults={"sample.append": {"bits": 4}},
        ),
        Target(
            name="torn_page",
            runtime="reader",
            accepts=("blob",),
            capabilities=("int8",),
            pass_defaults={"sample.append": {"bit": 8}},
        ),
    ]
