"""What a BUILD file says to the importer and to the exporter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lepton_rules.plugin import option


@dataclass(frozen=True, kw_only=True)
class ImportConfig:
    """A PyTorch module: the target's sources, which build it, and one safetensors file, which fills it."""

    VERSION: ClassVar[int] = 1
    factory: str = option(
        doc="`module:attribute` in the target's sources: a subclass of torch.nn.Module, or a function that gives one."
    )
    kwargs: str = option("{}", doc="Keyword arguments of the factory, as JSON: `json.encode({…})`.")
    inputs: tuple[str, ...] = option(
        doc="The arguments of `forward` in their order, each as `name:dtype:shape`, such as"
        " `image:float32:batch,3,32,32`. A dimension is a length, or a name where it is known only at run time."
    )
    outputs: tuple[str, ...] = option(
        ("output",),
        doc="Names of what `forward` gives, in order: one for a tensor, more for a tuple. A dict brings its own names.",
    )


@dataclass(frozen=True, kw_only=True)
class ExportConfig:
    """The same module as ONNX: one graph, canonical, whose named dimensions stay dynamic."""

    VERSION: ClassVar[int] = 1
    opset: int = option(20, doc="Version of the ONNX operator set.", minimum=18, maximum=23)
    tolerance: float = option(
        1e-4,
        doc="How far an output may be from torch's, relative to the greatest magnitude in it (at least 1); beyond it"
        " the export fails.",
        minimum=0,
        maximum=1,
    )


@dataclass(frozen=True, kw_only=True)
class ExportArchiveConfig:
    """A `.pt2` file that torch.export.save wrote: a graph of torch's own operators. Nothing in it runs."""

    VERSION: ClassVar[int] = 1
    outputs: tuple[str, ...] = option((), doc="Names for the outputs, in order; empty for the graph's own.")
