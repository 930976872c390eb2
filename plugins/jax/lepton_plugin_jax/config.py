"""What a BUILD file says to the importer and to the exporter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lepton_rules.plugin import option


@dataclass(frozen=True, kw_only=True)
class ImportConfig:
    """A JAX function: the target's sources, which make it, and one safetensors or npz file, its weights."""

    VERSION: ClassVar[int] = 1
    factory: str = option(
        doc="`module:attribute` in the target's sources: called with `kwargs`, it gives a function of the weights (a"
        " dict of arrays by name) and the inputs, such as flax's `apply`."
    )
    kwargs: str = option("{}", doc="Keyword arguments of the factory, as JSON: `json.encode({…})`.")
    inputs: tuple[str, ...] = option(
        doc="The function's inputs in their order, each as `name:dtype:shape`, such as"
        " `image:float32:batch,32,32,3`. A dimension is a length, or a name where it is known only at run time."
    )
    outputs: tuple[str, ...] = option(
        ("output",),
        doc="Names of what the function gives, in order: one for an array, more for a tuple. A dict brings its own"
        " names.",
    )


@dataclass(frozen=True, kw_only=True)
class ExportConfig:
    """The same function as ONNX: one graph, canonical, whose named dimensions stay dynamic."""

    VERSION: ClassVar[int] = 1
    opset: int = option(20, doc="Version of the ONNX operator set.", minimum=18, maximum=23)
    tolerance: float = option(
        1e-4,
        doc="How far an output may be from JAX's, relative to the greatest magnitude in it (at least 1); beyond it the"
        " export fails.",
        minimum=0,
        maximum=1,
    )
